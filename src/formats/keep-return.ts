/** An iterable that remembers what its generator returned, where a `for await` or a reader would lose it. */
export interface KeptReturn<Value, Returned> extends AsyncIterable<Value> {
  /** What the generator returned; undefined until it did, and where it threw or was left early. */
  readonly returned: Returned | undefined
}

export function keepReturn<Value, Returned>(
  generator: AsyncGenerator<Value, Returned, undefined>,
): KeptReturn<Value, Returned> {
  let kept: Returned | undefined
  const passOn = async function* (): AsyncGenerator<Value, void, undefined> {
    kept = yield* generator
  }
  const values = passOn()
  return {
    get returned() {
      return kept
    },
    [Symbol.asyncIterator]: () => values,
  }
}
