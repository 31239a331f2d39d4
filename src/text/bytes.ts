const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const

/** A number of bytes for people, in SI units (1 kB is 1,000 bytes): '0 B', '999 B', '4.1 MB', '412 MB'. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return 'unknown size'
  if (bytes < 999.5) return `${Math.round(bytes)} B`
  let value = bytes
  for (const unit of UNITS) {
    value /= 1_000
    if (value < 9.95) return `${value.toFixed(1)} ${unit}`
    if (value < 999.5) return `${Math.round(value)} ${unit}`
  }
  return `${Math.round(value)} EB`
}
