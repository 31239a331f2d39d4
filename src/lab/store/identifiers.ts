import { randomInt, randomUUID } from 'node:crypto'

/** k8s.io/apimachinery, pkg/util/rand: no vowels, nothing that looks like another. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** The five characters that generateName appends. */
export function nameSuffix(): string {
  return Array.from({ length: 5 }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('')
}

export function newUid(): string {
  return randomUUID()
}
