import type { SealResult } from '../engine/seal.js'
import type { ArchiveResult } from '../engine/result.js'
import { formatBytes } from '../text/bytes.js'
import { Screen } from './screen.js'
import { shortPath } from './short-path.js'

/** Where the archive is and what was wrong with the spool. */
export function sealScreen({ archive, remarks, because }: SealResult): string {
  const screen = new Screen()
  screen.head(archive.incomplete ? 'SEALED, INCOMPLETE' : 'SEALED')
  archiveRows(screen, archive)
  screen.row('remarks', ...remarks)
  screen.row('because', ...because)
  return screen.toString()
}

/** The rows that every screen with an archive has. */
export function archiveRows(screen: Screen, archive: ArchiveResult): void {
  const state = archive.verified ? 'verified' : 'NOT VERIFIED'
  screen.row('archive', shortPath(archive.path), `${formatBytes(archive.bytes)}, ${state}, not signed`)
  screen.row('', `sha256 ${archive.sha256}`, `log head ${archive.logHead}`)
  screen.row('beside it', ...archive.besides.map((path) => shortPath(path)))
}
