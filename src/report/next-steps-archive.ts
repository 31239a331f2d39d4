import { forShell } from '../text/shell.js'
import { allowance, isTouched, releaseCommand } from './changes.js'
import type { ReportInput, ReportTargetInput } from './input.js'
import type { ReportModel, Step } from './model.js'
import { ended, plain, sentence } from './sentence.js'

/** A step before it has its place. */
type Unnumbered = Omit<Step, 'number'>

type Known = Pick<ReportModel, 'archive' | 'gaps' | 'changes' | 'verification'>

/** What is left to do about the evidence itself. */
export function archiveSteps(input: ReportInput, model: Known): readonly Unnumbered[] {
  return [
    ...missingStep(input, model),
    {
      title: 'Verify the archive',
      why: plain('Before anything else is done to the pod: what is not whole now can still be taken again.'),
      commands: `${model.verification.tool}\n${model.verification.archive}`,
      notes: [],
    },
    {
      title: 'Keep the archive',
      why: plain(
        'Put it on storage that nobody can overwrite, and its SHA-256 somewhere else: into the ticket, or an e-mail to a second person. It is not signed; only a hash that was told to others in time can show that it was not replaced.',
      ),
      commands: `cat ${forShell(`${model.archive.file}.sha256`)}`,
      notes: [
        plain(
          'Logs and files from containers are in it as they were: they may hold passwords, keys and personal data. Treat the archive as you treat those.',
        ),
      ],
    },
  ]
}

function missingStep({ scene, targets }: ReportInput, { gaps }: Known): readonly Unnumbered[] {
  const { counted } = gaps
  if (counted.total === 0) return []
  const reasons = new Set(counted.items.map(({ reason }) => reason))
  const [first] = targets
  const again =
    first === undefined || !reasons.has('not-allowed')
      ? null
      : `impound snapshot ${forShell(first.target.name)} -n ${forShell(first.target.namespace)} --case ${forShell(scene.case)} --allow exec`
  return [
    {
      title: 'Take what is missing, while it is still there',
      why: plain(
        `${counted.total} of the things that were asked for are missing or not whole. The report lists them with reasons.`,
      ),
      commands: again,
      notes: [
        ...(reasons.has('not-allowed')
          ? [
              plain(
                'With exec allowed, programs inside the suspect container are run: whoever controls it can watch and can lie.',
              ),
            ]
          : []),
        ...(reasons.has('forbidden')
          ? [
              plain(
                'Some of it was refused for want of a right. Ask for the rights that the report names, and run again.',
              ),
            ]
          : []),
      ],
    },
  ]
}

/** Last of all; nothing where the cluster was not changed. */
export function releaseStep(
  { archive }: Pick<ReportModel, 'archive'>,
  target: ReportTargetInput,
): readonly Unnumbered[] {
  if (!isTouched(target)) return []
  const owner = target.plan?.owner
  return [
    {
      title: `Release ${target.target.namespace}/${target.target.name}, when nobody needs it any more`,
      why: plain(
        'This changes the cluster: the pod gets back its labels, the policy goes, and its owner and its Services find it again. A pod that is known to be bad is better deleted.',
      ),
      commands: `${releaseCommand(target)}\nimpound release --from ${forShell(archive.file)}${allowance(target)}`,
      notes:
        owner === undefined
          ? []
          : [
              sentence`What its owner then does (${owner.name === '' ? 'none' : `${owner.kind} ${owner.name}`}): ${ended(owner.onRelease)}`,
            ],
    },
  ]
}
