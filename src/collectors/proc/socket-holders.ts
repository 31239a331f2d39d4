/** Of one inode; more are counted. */
const MOST_HOLDERS = 8
const FIRST_ROOM = 1024
const COLUMNS = 3

export interface Holder {
  readonly pid: number
  readonly fd: number
}

/** Which descriptors hold which socket: rows of inode, PID and descriptor, 24 bytes each, whatever their number. */
export class SocketHolders {
  readonly #most: number
  #rows = new Float64Array(FIRST_ROOM * COLUMNS)
  #count = 0
  /** Rows by inode, then as they came; made when somebody asks. */
  #order: Uint32Array | undefined

  constructor(most: number) {
    this.#most = most
  }

  /** False: there are as many as are kept. */
  add(inode: number, { pid, fd }: Holder): boolean {
    if (this.#count >= this.#most) return false
    if ((this.#count + 1) * COLUMNS > this.#rows.length) {
      const larger = new Float64Array(this.#rows.length * 2)
      larger.set(this.#rows)
      this.#rows = larger
    }
    this.#rows.set([inode, pid, fd], this.#count * COLUMNS)
    this.#count += 1
    this.#order = undefined
    return true
  }

  of(inode: number): { readonly holders: readonly Holder[]; readonly more: number } {
    const order = (this.#order ??= this.#sorted())
    let [from, to] = [0, order.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#inode(order[middle]) < inode) from = middle + 1
      else to = middle
    }
    const holders: Holder[] = []
    let more = 0
    for (let at = from; at < order.length && this.#inode(order[at]) === inode; at += 1) {
      const row = (order[at] ?? 0) * COLUMNS
      if (holders.length < MOST_HOLDERS)
        holders.push({ pid: this.#rows[row + 1] ?? 0, fd: this.#rows[row + 2] ?? 0 })
      else more += 1
    }
    return { holders, more }
  }

  #inode(row = 0): number {
    return this.#rows[row * COLUMNS] ?? 0
  }

  #sorted(): Uint32Array {
    const order = Uint32Array.from({ length: this.#count }, (_, row) => row)
    return order.sort((a, b) => this.#inode(a) - this.#inode(b) || a - b)
  }
}
