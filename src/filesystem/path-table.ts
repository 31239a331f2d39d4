const CHUNK = 1 << 20
const FEW = 1 << 10
const ROOT = 0
const ABSENT = -1

/**
 * A map from paths to numbers, for half a million of them: a path is the number of its directory and its last name, in columns, some 35 bytes beside the
 * name, where a Map holds two strings' worth of objects. Keys are those of pathKey(): latin1, without a slash at either end. What is deleted
 * keeps its place.
 */
export class PathTable {
  /** By place: the directory's place, where the name begins and how long it is, the number. */
  #parents = new Int32Array(FEW)
  #offsets = new Uint32Array(FEW)
  #lengths = new Uint32Array(FEW)
  #values = new Int32Array(FEW)
  /** Places by the hash of directory and name, one more than they are; open addressing. */
  #slots = new Int32Array(4 * FEW)
  readonly #names: Buffer[] = []
  #nameEnd = 0
  #places = 0
  #size = 0
  #lastDirectory = ''
  #lastPlace = ROOT

  constructor() {
    // the root has no name, and is no name of anything else
    this.#parents[ROOT] = ABSENT
    this.#values[ROOT] = ABSENT
    this.#places = 1
  }

  get size(): number {
    return this.#size
  }

  /** Paths that were ever set, and the directories above them. */
  get places(): number {
    return this.#places
  }

  get(key: string): number | undefined {
    const place = this.#find(key)
    const value = place === ABSENT ? ABSENT : (this.#values[place] ?? ABSENT)
    return value === ABSENT ? undefined : value
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  /** `value` is not negative. */
  set(key: string, value: number): void {
    const place = this.#make(key)
    if (this.#values[place] === ABSENT) this.#size += 1
    this.#values[place] = value
  }

  delete(key: string): void {
    const place = this.#find(key)
    if (place === ABSENT || this.#values[place] === ABSENT) return
    this.#values[place] = ABSENT
    this.#size -= 1
  }

  /** In the order in which paths were first set. What is deleted meanwhile does not come. */
  *entries(): Generator<readonly [key: string, value: number], void, undefined> {
    let directory = ''
    let of = ROOT
    for (let place = 0; place < this.#places; place += 1) {
      const value = this.#values[place] ?? ABSENT
      if (value === ABSENT) continue
      const parent = this.#parents[place] ?? ABSENT
      if (parent !== of && parent !== ABSENT) {
        directory = this.#pathOf(parent)
        of = parent
      }
      const name = this.#nameOf(place)
      yield [parent === ABSENT || parent === ROOT ? name : `${directory}/${name}`, value]
    }
  }

  *values(): Generator<number, void, undefined> {
    for (let place = 0; place < this.#places; place += 1) {
      const value = this.#values[place] ?? ABSENT
      if (value !== ABSENT) yield value
    }
  }

  #pathOf(place: number): string {
    const names: string[] = []
    for (let at = place; at !== ROOT; at = this.#parents[at] ?? ROOT) names.push(this.#nameOf(at))
    return names.reverse().join('/')
  }

  #nameOf(place: number): string {
    const offset = this.#offsets[place] ?? 0
    const at = offset % CHUNK
    return (
      this.#names[Math.floor(offset / CHUNK)]?.toString('latin1', at, at + (this.#lengths[place] ?? 0)) ?? ''
    )
  }

  #find(key: string): number {
    if (key === '') return ROOT
    if (key === this.#lastDirectory) return this.#lastPlace
    const slash = key.lastIndexOf('/')
    const parent = slash === -1 ? ROOT : this.#directory(key.slice(0, slash), (path) => this.#find(path))
    return parent === ABSENT ? ABSENT : this.#within(parent, key, slash + 1)
  }

  #make(key: string): number {
    if (key === '') return ROOT
    const slash = key.lastIndexOf('/')
    const parent = slash === -1 ? ROOT : this.#directory(key.slice(0, slash), (path) => this.#make(path))
    const found = this.#within(parent, key, slash + 1)
    return found === ABSENT ? this.#add(parent, key.slice(slash + 1)) : found
  }

  /** Paths come a directory at a time. */
  #directory(path: string, look: (path: string) => number): number {
    if (path === this.#lastDirectory) return this.#lastPlace
    const place = look(path)
    if (place !== ABSENT) {
      this.#lastDirectory = path
      this.#lastPlace = place
    }
    return place
  }

  #within(parent: number, key: string, start: number): number {
    const mask = this.#slots.length - 1
    for (let slot = hashOf(parent, key, start) & mask; ; slot = (slot + 1) & mask) {
      const place = (this.#slots[slot] ?? 0) - 1
      if (place === ABSENT) return ABSENT
      if (this.#parents[place] === parent && this.#isCalled(place, key, start)) return place
    }
  }

  #isCalled(place: number, key: string, start: number): boolean {
    const length = this.#lengths[place] ?? 0
    if (length !== key.length - start) return false
    const offset = this.#offsets[place] ?? 0
    const names = this.#names[Math.floor(offset / CHUNK)]
    const begin = offset % CHUNK
    for (let at = 0; at < length; at += 1) {
      if (names?.[begin + at] !== key.charCodeAt(start + at)) return false
    }
    return true
  }

  #add(parent: number, name: string): number {
    const place = this.#places
    if (place === this.#parents.length) this.#grow()
    this.#places += 1
    this.#parents[place] = parent
    this.#offsets[place] = this.#keep(name)
    this.#lengths[place] = name.length
    this.#values[place] = ABSENT
    if (2 * this.#places > this.#slots.length) this.#rehash()
    else this.#enter(place, hashOf(parent, name, 0))
    return place
  }

  /** A name lies in one chunk; one that is longer than any has one of its own. */
  #keep(name: string): number {
    const left = this.#names.length * CHUNK - this.#nameEnd
    if (name.length > left) {
      this.#nameEnd = this.#names.length * CHUNK
      this.#names.push(Buffer.allocUnsafeSlow(Math.max(CHUNK, name.length)))
    }
    const offset = this.#nameEnd
    this.#names.at(-1)?.write(name, offset % CHUNK, 'latin1')
    this.#nameEnd = Math.min(offset + name.length, this.#names.length * CHUNK)
    return offset
  }

  #enter(place: number, hash: number): void {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = place + 1
  }

  #rehash(): void {
    this.#slots = new Int32Array(2 * this.#slots.length)
    for (let place = 1; place < this.#places; place += 1)
      this.#enter(place, hashOf(this.#parents[place] ?? ROOT, this.#nameOf(place), 0))
  }

  #grow(): void {
    const length = 2 * this.#parents.length
    const [parents, offsets, lengths, values] = [this.#parents, this.#offsets, this.#lengths, this.#values]
    this.#parents = new Int32Array(length)
    this.#parents.set(parents)
    this.#offsets = new Uint32Array(length)
    this.#offsets.set(offsets)
    this.#lengths = new Uint32Array(length)
    this.#lengths.set(lengths)
    this.#values = new Int32Array(length)
    this.#values.set(values)
  }
}

/** FNV-1a over the directory's place and the name from `start` on. */
function hashOf(parent: number, key: string, start: number): number {
  let hash = Math.imul(0x811c9dc5 ^ parent, 0x01000193)
  for (let at = start; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  // its low bits are what a mask leaves
  return hash ^ (hash >>> 15)
}
