import type { HostileArchive } from './archive.js'
import { ENDLESS } from './endless.js'
import { ENDS } from './ends.js'
import { LONG_NAMES } from './long-names.js'
import { NAMES } from './names.js'
import { NUMBERS } from './numbers.js'
import { PACKED } from './packed.js'
import { PAX } from './pax.js'
import { SPARSE } from './sparse.js'
import { TYPES } from './types.js'

/** Everything that was ever thought of to fool a reader of archives. */
export const CORPUS: readonly HostileArchive[] = [
  ...NAMES,
  ...TYPES,
  ...NUMBERS,
  ...PAX,
  ...LONG_NAMES,
  ...SPARSE,
  ...ENDS,
  ...PACKED,
  ...ENDLESS,
]
