import { held, holderOf } from '../containment/index.js'
import type { ReadContext } from '../model/containment.js'
import { ImpoundError } from '../model/errors.js'
import { annotationSource, type ReleaseSource } from './release-source.js'

/**
 * The source, if it speaks of anything that was done; where it does not and the pod says that its case holds it, the pod's
 * annotation instead. Throws refused where another case holds the pod, not-found where nobody does.
 */
export async function releasable(context: ReadContext, source: ReleaseSource): Promise<ReleaseSource> {
  if (held(source.entries)) return source
  const { namespace, name } = source.target
  const holder = await holderOf(context, source.target)
  if (holder === undefined) {
    throw new ImpoundError('not-found', `${namespace}/${name} is not held`, {
      hints: [`the run of case ${source.facts.case} that is known here changed nothing that stands`],
    })
  }
  const { lock, pod } = holder
  if (lock.case === source.facts.case) return annotationSource({ ...source.target, pod }, context.kube.facts)
  throw new ImpoundError(
    'refused',
    `case ${source.facts.case} holds nothing on ${namespace}/${name}; case ${lock.case} holds it (${lock.who}, since ${lock.when})`,
    {
      hints: [
        `ask ${lock.who}, or release it by the archive of that case’s run: impound release --from ARCHIVE`,
      ],
    },
  )
}
