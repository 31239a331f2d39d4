/** Devices of the filesystems in a mount table, 'major:minor' in decimal. Source: proc(5), mountinfo. */
export function mountedDevices(mountinfo: Buffer): ReadonlySet<string> {
  const devices = new Set<string>()
  for (const line of mountinfo.toString('latin1').split('\n')) {
    const device = /^[0-9]+ [0-9]+ ([0-9]{1,10}:[0-9]{1,10}) /.exec(line)?.[1]
    if (device !== undefined) devices.add(device)
  }
  return devices
}
