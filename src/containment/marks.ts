import type { Suspect } from '../model/containment.js'
import type { KubeObject } from '../model/kubernetes.js'

const CASE_KEY = 'impound.dev/case'
const POD_UID_KEY = 'impound.dev/pod-uid'

/** Labels and annotations that every object of ours carries: whose it is, and of which pod. */
export function caseMarks({ uid, case: caseName }: Pick<Suspect, 'uid' | 'case'>): {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
} {
  return {
    labels: { 'app.kubernetes.io/managed-by': 'impound', [CASE_KEY]: caseLabel(caseName) },
    annotations: { [CASE_KEY]: caseName, [POD_UID_KEY]: uid },
  }
}

export function marksOf({ metadata }: KubeObject): {
  readonly case: string | undefined
  readonly uid: string | undefined
} {
  return { case: metadata?.annotations?.[CASE_KEY], uid: metadata?.annotations?.[POD_UID_KEY] }
}

/** A case's name as a label's value, which has to end in a letter or digit. The annotation has it exactly. */
function caseLabel(caseName: string): string {
  return caseName.replace(/[^A-Za-z0-9]+$/, '')
}
