import type { Sentence } from './model.js'

/** Text is a quotation; our own figures and sentences are words. */
type Value = string | number | Sentence

/**
 * A sentence of ours around values of the cluster's: sentence`The pod ${name} was seized.` Renderers show the values as
 * quoted, so a name can't pass for our words. Two values need words between them.
 */
export function sentence(words: TemplateStringsArray, ...values: readonly Value[]): Sentence {
  const parts = words.flatMap((say, index) => {
    const value = values[index]
    return [...(say === '' ? [] : [{ say, value: '' }]), ...(value === undefined ? [] : partsOf(value))]
  })
  return { parts }
}

function partsOf(value: Value): Sentence['parts'] {
  if (typeof value === 'object') return value.parts
  if (typeof value === 'number') return plain(String(value)).parts
  return value === '' ? plain('(empty)').parts : [{ say: '', value }]
}

/** A sentence without any value. */
export function plain(say: string): Sentence {
  return { parts: [{ say, value: '' }] }
}

/** Text with a full stop at its end, unless it ends a sentence already. */
export function ended(text: string): Sentence {
  return plain(/[.!?…]$/.test(text) ? text : `${text}.`)
}

/** Items of a list as a part of a sentence: a, b and c. At most `most` are named, the rest counted. */
export function listed(items: readonly string[], most: number): Sentence {
  const named = items.slice(0, most)
  const more = items.length - named.length
  const parts = named.flatMap((item, index) => {
    const between = index === 0 ? '' : index === named.length - 1 && more === 0 ? ' and ' : ', '
    return [...(between === '' ? [] : plain(between).parts), ...partsOf(item)]
  })
  return { parts: [...parts, ...(more > 0 ? plain(` and ${more} more`).parts : [])] }
}
