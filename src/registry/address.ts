import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'

/** What kind of network an address belongs to, as far as server-side request forgery is concerned. */
export type AddressClass = 'public' | 'private' | 'loopback' | 'link-local'

const RANGES: readonly (readonly [AddressClass, string, number, 'ipv4' | 'ipv6'])[] = [
  ['loopback', '127.0.0.0', 8, 'ipv4'],
  ['loopback', '0.0.0.0', 8, 'ipv4'],
  ['loopback', '::1', 128, 'ipv6'],
  ['loopback', '::', 128, 'ipv6'],
  ['link-local', '169.254.0.0', 16, 'ipv4'],
  ['link-local', 'fe80::', 10, 'ipv6'],
  ['private', '10.0.0.0', 8, 'ipv4'],
  ['private', '172.16.0.0', 12, 'ipv4'],
  ['private', '192.168.0.0', 16, 'ipv4'],
  ['private', '100.64.0.0', 10, 'ipv4'],
  ['private', '192.0.0.0', 24, 'ipv4'],
  ['private', '198.18.0.0', 15, 'ipv4'],
  ['private', '224.0.0.0', 3, 'ipv4'],
  ['private', 'fc00::', 7, 'ipv6'],
  ['private', 'ff00::', 8, 'ipv6'],
  // Addresses that carry an IPv4 address which a translator may turn into any of the above
  ['private', '64:ff9b::', 96, 'ipv6'],
  ['private', '2002::', 16, 'ipv6'],
]

/** Source: the IANA special-purpose address registries (RFC 6890). An IPv4-mapped IPv6 address counts as its IPv4 address. */
export function addressClass(address: string): AddressClass {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  const found = RANGES.find(([, network, bits, kind]) => {
    const list = new BlockList()
    list.addSubnet(network, bits, kind)
    return list.check(address, family)
  })
  return found?.[0] ?? 'public'
}

/** The classes of all addresses that a URL's host stands for now. Throws what the resolver throws. */
export async function classesOf(hostname: string): Promise<ReadonlySet<AddressClass>> {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) !== 0) return new Set([addressClass(bare)])
  const addresses = await lookup(bare, { all: true })
  return new Set(addresses.map(({ address }) => addressClass(address)))
}
