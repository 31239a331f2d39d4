import { setFlagsFromString } from 'node:v8'

import { Command, Errors } from '@oclif/core'

import { reportFailure, wantedForm } from './failure.js'
import { jsonFlag } from './flags.js'

/**
 * What every command of impound has: --json, errors of two lines (or one document), and the exit status of the error
 * that ended it. stdout is the result, stderr everything else.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags = jsonFlag

  protected override async init(): Promise<void> {
    await super.init()
    // else V8 lets the space for new objects grow as far as 50 MB and keeps it; a seizure takes no longer without, nor does
    // reading half a million entries. Help comes sooner without: it never gets here.
    setFlagsFromString('--semi-space-growth-factor=1')
  }

  /** Prints the result: the document under --json, on one line under --json-lines, else the text. */
  protected print(
    document: unknown,
    text: string,
    as: { readonly json: boolean; readonly jsonLines?: boolean },
  ): void {
    if (as.jsonLines === true) process.stdout.write(`${JSON.stringify(document)}\n`)
    else process.stdout.write(as.json ? `${JSON.stringify(document, null, 2)}\n` : text)
  }

  protected say(line: string): void {
    process.stderr.write(`${line}\n`)
  }

  protected override catch(error: Error): Promise<void> {
    // oclif ends --help by throwing an exit of its own
    if (error instanceof Errors.ExitError) return Promise.reject(error)
    process.exitCode = reportFailure(error, wantedForm(this.argv))
    return Promise.resolve()
  }
}
