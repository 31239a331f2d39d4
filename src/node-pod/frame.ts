/** The text that is run: the script as a function, then templates/node/frame.sh, which calls it. */
export function framed(script: string, frame: string, nonce: string): string {
  return `impound_nonce=${nonce}\nimpound_script() {\n${script}\n}\n${frame}`
}

/** What the far end counted of its own payload. */
export interface Trailer {
  readonly bytes: number
  readonly sha256: string
  readonly exitCode: number
}

/** Splits stderr into what the script said and the trailer, which is its last line if all of it came. */
export function readTrailer(
  stderr: string,
  nonce: string,
): { readonly said: string; readonly trailer: Trailer | undefined } {
  const match =
    /\nimpound-frame v1 ([0-9a-f]+) bytes=([0-9]{1,16}) sha256=([0-9a-f]{64}) exit=([0-9]{1,3})\n$/.exec(
      stderr,
    )
  if (match === null || match[1] !== nonce) return { said: stderr, trailer: undefined }
  return {
    said: stderr.slice(0, match.index),
    trailer: { bytes: Number(match[2]), sha256: match[3] ?? '', exitCode: Number(match[4]) },
  }
}
