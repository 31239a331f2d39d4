/** A number and its noun: '1 change', '4 changes', '2 policies' where the plural is said. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`
}
