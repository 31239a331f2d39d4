/** A member's path without './' before and '/' behind it, as latin1; unlike `pathKey` what no file can have is left as it is: it is only listed. */
export function memberKey(path: Buffer): string {
  return path
    .toString('latin1')
    .replace(/^(?:\.?\/)+/, '')
    .replace(/\/+$/, '')
}
