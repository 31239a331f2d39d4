import type { Scene } from '../model/scene.js'
import { counted } from '../text/count.js'
import { formatDuration } from '../text/duration.js'
import { forShell } from '../text/shell.js'
import { formatUtcOffset } from '../text/time.js'
import type { ReportTargetInput } from './input.js'
import type { Clocks, Scope, Sentence } from './model.js'
import { plain } from './sentence.js'

/** Who acted, where, with what, and by whose authority. */
export function scopeOf({ who, where, tool, missing }: Scene, targets: readonly ReportTargetInput[]): Scope {
  return {
    pods: targets.map(({ target: { namespace, name, uid } }) => ({ namespace, name, uid })),
    user: who.user ?? null,
    groups: who.groups === undefined || who.groups.length === 0 ? null : who.groups.join(', '),
    impersonating: who.impersonating ?? null,
    operator: `${who.osUser} on ${who.hostname}`,
    examiner: who.examiner ?? null,
    authority: who.authority ?? null,
    context: where.context,
    server: where.server,
    clusterUid: where.clusterUid ?? null,
    clusterVersion: where.version ?? null,
    tlsChain: where.tlsChainSha256 ?? [],
    tool: `${tool.name} ${tool.version}`,
    toolDigest: tool.digest ?? null,
    argv: [tool.name, ...tool.argv].map(forShell).join(' '),
    platform: `Node.js ${tool.node} on ${tool.os}`,
    missing,
  }
}

const NTP_WORDS: Readonly<Record<Scene['clock']['ntp'], string>> = {
  synchronised: 'this computer says that its clock is kept by a time service',
  unsynchronised: 'this computer says that its clock is not kept by a time service',
  unknown: 'not known: this computer could not be asked',
}

export function clocksOf({ clock }: Scene): Clocks {
  return {
    local: clock.local,
    utcOffset: `UTC${formatUtcOffset(clock.utcOffsetMinutes)}`,
    ntp: NTP_WORDS[clock.ntp],
    apiServer: apiServerWords(clock.apiServerOffsetMs),
  }
}

function apiServerWords(offset: Scene['clock']['apiServerOffsetMs']): Sentence {
  if (offset === undefined) return plain("The API server's clock was not compared with this computer's.")
  return plain(
    `The API server's clock was between ${aheadOrBehind(offset.min)} and ${aheadOrBehind(offset.max)} ` +
      `of this computer's, by the Date headers of ${counted(offset.samples, 'answer')} (whole seconds).`,
  )
}

function aheadOrBehind(ms: number): string {
  return `${formatDuration(Math.abs(ms))} ${ms < 0 ? 'behind' : 'ahead'}`
}
