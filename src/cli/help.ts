import { CommandHelp, Help } from '@oclif/core/help'

/** oclif's help, without compiling a template out of each of a hundred texts of which hardly one holds a variable. */
export default class TemplatedWhereNeeded extends Help {
  protected override readonly CommandHelpClass = CommandHelpTemplatedWhereNeeded
}

class CommandHelpTemplatedWhereNeeded extends CommandHelp {
  constructor(...given: ConstructorParameters<typeof CommandHelp>) {
    super(...given)
    const whole = this.render
    this.render = (text) => (text.includes('<%') ? whole(text) : text)
  }
}
