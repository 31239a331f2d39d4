import type { ChangeClass } from '../../model/filesystem-documents.js'
import { changeClass } from '../comparison.js'
import type { TreeFacts } from '../facts.js'
import { MountTable } from '../mounts.js'
import { ancestorsOf } from '../path-key.js'

const NO_MOUNTS = new MountTable([], [])

/**
 * Whose doing an entry of an upper directory is likely to be. Unlike the merged view, upper shows what lies under a mount: a runtime
 * makes an empty stub for each mount, and the directories down to it; anything else there is out of every reader's sight in the
 * container, and so a place to hide.
 */
export class UpperClasses {
  readonly #mounts: ReadonlySet<string>
  readonly #above = new Set<string>()

  /** `mounts` are the keys of all that is mounted in the container, volumes too. */
  constructor(mounts: Iterable<string>) {
    this.#mounts = new Set([...mounts].filter((mount) => mount !== ''))
    for (const mount of this.#mounts) for (const parent of ancestorsOf(mount)) this.#above.add(parent)
  }

  /** `after` is undefined for a deletion; `isNew` where the image has nothing under this path. */
  of(key: string, after: TreeFacts | undefined, isNew: boolean): ChangeClass {
    for (const parent of ancestorsOf(key)) if (this.#mounts.has(parent)) return 'under-mount'
    if (this.#mounts.has(key)) return isStub(after) ? 'runtime' : 'under-mount'
    if (isNew && after?.type === 'directory' && this.#above.has(key)) return 'runtime'
    // A runtime mounts its files; what has content and no mount over it, it did not write
    return after?.type === 'file' && after.size > 0 ? 'user' : changeClass(key, after, NO_MOUNTS)
  }
}

function isStub(after: TreeFacts | undefined): boolean {
  return after?.type === 'directory' || (after?.type === 'file' && after.size === 0)
}
