import type { NetworkDocument } from '../model/documents.js'
import type { LedgerRow } from '../model/evidence.js'
import { absence } from './absence.js'
import { bounded, byText } from './bounded.js'
import type { ReportTargetInput } from './input.js'
import type { NetworkReport } from './model.js'
import { REASON_WORDS } from './words.js'

const MOST_ROWS = 50

type Policy = NonNullable<NetworkDocument['policies']>[number]
type Service = NonNullable<NetworkDocument['services']>[number]

export function networkOf(
  { network, directory }: ReportTargetInput,
  ledger: readonly LedgerRow[],
): NetworkReport {
  const where = `data/targets/${directory}/network.json`
  const list = <Item, Row>(items: readonly Item[] | undefined, rowsOf: (items: readonly Item[]) => Row[]) =>
    items === undefined ? null : bounded(rowsOf(items), MOST_ROWS, where)
  return {
    absent: network === undefined ? absence(ledger, directory, 'network') : null,
    policies: list(network?.policies, policyRows),
    services: list(network?.services, serviceRows),
    ingresses: list(network?.ingresses, (ingresses) =>
      ingresses
        .toSorted((a, b) => byText(a.name, b.name))
        .map(({ name, hosts, services }) => ({
          name,
          hosts: hosts.join(', '),
          services: services.join(', '),
        })),
    ),
    missing: (network?.missing ?? []).slice(0, MOST_ROWS).map(({ what, reason, detail }) => ({
      what,
      why: REASON_WORDS[reason],
      detail,
    })),
  }
}

/** Those that select the pod, or may, come first. */
function policyRows(policies: readonly Policy[]): NonNullable<NetworkReport['policies']>['items'][number][] {
  const weight = (policy: Policy): number =>
    policy.selectsNow ? 0 : policy.unknownOperators.length > 0 ? 1 : 2
  return policies
    .toSorted((a, b) => weight(a) - weight(b) || byText(a.name, b.name))
    .map((policy) => ({
      name: policy.name,
      selects:
        policy.unknownOperators.length > 0
          ? `not known (operator ${policy.unknownOperators.join(', ')})`
          : policy.selectsNow
            ? 'yes'
            : 'no',
      types: policy.policyTypes.join(', '),
      allows: policy.allows.length === 0 ? 'nothing' : policy.allows.join('; '),
    }))
}

/** Services that lead to the pod; the others are in the archive. */
function serviceRows(
  services: readonly Service[],
): NonNullable<NetworkReport['services']>['items'][number][] {
  return services
    .filter(({ selectsPod, endpoints }) => selectsPod || endpoints.some(({ isTarget }) => isTarget))
    .toSorted((a, b) => byText(a.name, b.name))
    .map(({ name, type, clusterIP, ports, endpoints }) => ({
      name,
      type,
      clusterIP,
      ports: ports.join(', '),
      endpoints: endpointWords(endpoints),
    }))
}

function endpointWords(endpoints: Service['endpoints']): string {
  const ready = endpoints.filter((endpoint) => endpoint.ready).length
  const mine = endpoints.some(({ isTarget }) => isTarget) ? '; this pod was one of them' : ''
  return `${ready} ready of ${endpoints.length}${mine}`
}
