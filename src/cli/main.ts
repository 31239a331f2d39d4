import { toolVersion } from '../engine/version.js'

/**
 * The command line. The version is answered before oclif loads, since scripts ask for it often. Everything that a command
 * did not catch ends here: unknown commands, faults of ours.
 */
export async function main(argv: readonly string[]): Promise<void> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
    process.stdout.write(`impound ${await toolVersion()}\n`)
    return
  }
  const { Errors, flush, run } = await import('@oclif/core')
  try {
    await run(argv.length === 0 ? ['--help'] : [...argv], import.meta.url)
    await flush()
  } catch (error) {
    if (error instanceof Errors.ExitError) {
      process.exitCode = error.oclif.exit ?? 0
      return
    }
    const { reportFailure } = await import('./failure.js')
    process.exitCode = reportFailure(error, argv.includes('--json'))
  }
}
