import type { LedgerRow } from '../model/evidence.js'
import type { MountTaken } from '../model/mounts-document.js'
import { formatBytes } from '../text/bytes.js'
import { counted } from '../text/count.js'
import { absence } from './absence.js'
import { bounded } from './bounded.js'
import type { ReportTargetInput } from './input.js'
import type { MountsReport } from './model.js'

const MOST_PLACES = 50
const MOST_NOTABLE = 30

export function mountsOf(
  { mounts, directory }: ReportTargetInput,
  ledger: readonly LedgerRow[],
): MountsReport {
  const where = `data/targets/${directory}/mounts.json`
  const taken = mounts?.taken ?? []
  return {
    absent: mounts === undefined ? absence(ledger, directory, 'writable-mounts') : null,
    taken: bounded(taken.map(takenRow), MOST_PLACES, where),
    notable: bounded(
      taken.flatMap(({ container, point, notable }) =>
        notable.map(({ path, size, mode, ctime, sha256 }) => ({
          place: `${container} ${point}`,
          path,
          size: formatBytes(size),
          mode,
          changed: ctime ?? null,
          sha256: sha256 ?? null,
        })),
      ),
      MOST_NOTABLE,
      where,
    ),
    left: bounded(
      (mounts?.left ?? [])
        .filter(({ reason }) => reason !== 'not-applicable')
        .map(({ container, point, type, why }) => ({ place: `${container} ${point}`, type, why })),
      MOST_PLACES,
      where,
    ),
  }
}

function takenRow(mount: MountTaken): MountsReport['taken']['items'][number] {
  const { container, point, type, mode, files, executables, bytes, allocated, kept, trust, complete, why } =
    mount
  const onDisk = allocated > 0 && allocated < bytes ? `, ${formatBytes(allocated)} of it on the disk` : ''
  return {
    container,
    point,
    type,
    what: mode === 'index' ? 'names, sizes and times' : `content of ${counted(kept.files, 'file')}`,
    files: `${counted(files, 'file')}${executables === 0 ? '' : `, ${executables} executable`}`,
    size: `${formatBytes(bytes)}${onDisk}`,
    trust,
    note: complete ? null : (why ?? 'not complete'),
  }
}
