import { stringify } from 'yaml'

import type { RbacDocument } from '../engine/rbac.js'
import { forTerminal } from '../text/terminal.js'

/** The roles as YAML for `kubectl apply -f -`; what is to be known stands above them as comments. */
export function rbacYaml({ for: command, namespace, pods, objects, notes }: RbacDocument): string {
  const whom = pods.length === 0 ? `any pod in ${namespace}` : `${pods.join(', ')} in ${namespace}`
  const comments = [`the least rights for: impound ${command}, ${whom}`, ...notes]
  return [
    ...comments.map((line) => `# ${forTerminal(line, { maxLength: 400 })}\n`),
    ...objects.map((object) => `---\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`),
  ].join('')
}
