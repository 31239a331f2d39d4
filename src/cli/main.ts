import { toolVersion } from '../engine/version.js'
import { EXIT, worstExit, type ExitStatus } from '../model/exit.js'
import { forShell } from '../text/shell.js'

/**
 * The command line. The version is answered before oclif loads, since scripts ask for it often. Everything that a command
 * did not catch ends here: unknown commands, faults of ours.
 */
export async function main(argv: readonly string[]): Promise<void> {
  outliveTheTerminal()
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
    process.stdout.write(`impound ${await toolVersion()}\n`)
    return
  }
  const { keepCompiledCode } = await import('./code-cache.js')
  keepCompiledCode(process.env)
  // the parts that are needed, since the whole of oclif takes longer to load
  const { run } = await import('@oclif/core/run')
  const { ExitError } = await import('@oclif/core/errors')
  const { flush } = await import('@oclif/core/flush')
  try {
    await run([...(argv.length === 0 ? await bareArgv() : argv)], import.meta.url)
    await flush()
  } catch (error) {
    if (error instanceof ExitError) {
      process.exitCode = error.oclif.exit ?? 0
      return
    }
    const { reportFailure, wantedForm } = await import('./failure.js')
    process.exitCode = reportFailure(error, wantedForm(argv))
  }
}

/** The bare command: in a terminal the guided run, elsewhere the help. */
async function bareArgv(): Promise<readonly string[]> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return ['--help']
  const { askGuided } = await import('./guided.js')
  const argv = await askGuided()
  process.stderr.write(`$ impound ${argv.map(forShell).join(' ')}\n`)
  return argv
}

/**
 * A terminal that goes away, or a pipe whose reader ends, must not end a run in the middle of a containment: what is said then is
 * lost, what is done goes on. A result that stdout did not take is told by the exit status.
 */
function outliveTheTerminal(): void {
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', () => {
    const known = typeof process.exitCode === 'number' ? (process.exitCode as ExitStatus) : EXIT.done
    process.exitCode = worstExit([known, EXIT.storage])
  })
}
