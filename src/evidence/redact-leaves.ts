import { escapedOffsets, parseJson, type JsonNode, type StringNode } from './redact-json.js'
import { isPlaceholder } from './redact-formats.js'
import { isSecretKey, isSecretName } from './redact-names.js'

/** One string of a document, decoded, and how to get back to where it stands. */
export interface Leaf {
  readonly text: string
  /** Offset in the document of an offset in `text`. */
  readonly at: (offset: number) => number
  /** RFC 6901; '#' leads on into JSON that stands in a string. */
  readonly pointer: string
  /** Kubernetes' own words: names, kinds, images, addresses. Never replaced because a known secret is like them. */
  readonly isIdentity: boolean
  readonly isKey: boolean
  /** That the whole of it is a secret, and by which rule. */
  readonly secretBy?: string
  /** That it is base64 of the secret (data of a Secret). */
  readonly isBase64?: true
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
/** JSON in a string in JSON in a string, and no further. */
const MAX_NESTING = 3

const IDENTITY = new Set([
  ...[
    'apiVersion',
    'kind',
    'name',
    'generateName',
    'namespace',
    'uid',
    'resourceVersion',
    'selfLink',
    'fieldPath',
  ],
  ...[
    'creationTimestamp',
    'deletionTimestamp',
    'lastTransitionTime',
    'startTime',
    'startedAt',
    'finishedAt',
    'time',
  ],
  ...[
    'image',
    'imageID',
    'containerID',
    'nodeName',
    'serviceAccountName',
    'serviceAccount',
    'secretName',
    'key',
  ],
  ...[
    'phase',
    'type',
    'status',
    'reason',
    'protocol',
    'operator',
    'effect',
    'manager',
    'operation',
    'fieldsType',
  ],
  ...[
    'hostIP',
    'podIP',
    'ip',
    'clusterIP',
    'addresses',
    'controller',
    'kubernetes.io/metadata.name',
    'subresource',
  ],
  ...['verbs', 'resources', 'apiGroups', 'restartPolicy', 'imagePullPolicy', 'claimName', 'storageClassName'],
])
/** Maps whose values are compared with other objects' (selectors): replaced they would tell something else. */
const IDENTITY_MAPS = new Set(['labels', 'matchLabels', 'selector', 'nodeSelector'])

interface Place {
  readonly pointer: string
  readonly key: string
  readonly isIdentity: boolean
  readonly secretBy?: string
  readonly isBase64?: true
}

/** Every string of a JSON document with what its place says of it; undefined where the text is no JSON. */
export function leavesOf(text: string): readonly Leaf[] | undefined {
  const root = parseJson(text)
  if (root === undefined) return undefined
  const leaves: Leaf[] = []
  new LeafWalk(leaves, (offset) => offset, text, 0).visit(root, { pointer: '', key: '', isIdentity: false })
  return leaves
}

class LeafWalk {
  readonly #leaves: Leaf[]
  readonly #outer: (offset: number) => number
  readonly #text: string
  readonly #nesting: number

  constructor(leaves: Leaf[], outer: (offset: number) => number, text: string, nesting: number) {
    this.#leaves = leaves
    this.#outer = outer
    this.#text = text
    this.#nesting = nesting
  }

  visit(node: JsonNode, place: Place): void {
    switch (node.kind) {
      case 'object':
        this.#object(node.entries, place)
        return
      case 'array':
        this.#array(node.items, place)
        return
      case 'string':
        this.#string(node, place)
        return
      case 'other':
        return
    }
  }

  #object(entries: readonly (readonly [StringNode, JsonNode])[], place: Place): void {
    const kinds = textsOf(entries, 'kind')
    const isNamedSecret = textsOf(entries, 'name').some(isSecretName)
    const isSecretObject = kinds.includes('Secret') || place.key === SECRET_ITEMS
    const isSecretList = kinds.includes('SecretList')
    for (const [keyNode, value] of entries) {
      const key = keyNode.value
      this.#leaf(keyNode, { pointer: place.pointer, key: '', isIdentity: false }, true)
      const below: Place = {
        pointer: `${place.pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        key: isSecretList && key === 'items' ? SECRET_ITEMS : key,
        isIdentity: IDENTITY.has(key) || IDENTITY_MAPS.has(key) || IDENTITY_MAPS.has(place.key),
        ...inherited(place),
      }
      const rule = ruleFor(key, isNamedSecret, isSecretObject)
      this.visit(value, rule === undefined ? below : { ...below, ...rule })
    }
  }

  #array(items: readonly JsonNode[], place: Place): void {
    let flag = ''
    items.forEach((item, index) => {
      const below: Place = { ...place, pointer: `${place.pointer}/${index}` }
      const isValue = flag !== '' && item.kind === 'string' && !item.value.startsWith('-')
      this.visit(item, isValue ? { ...below, secretBy: 'flag' } : below)
      flag = item.kind === 'string' && FLAG.test(item.value) && isSecretName(item.value) ? item.value : ''
    })
  }

  #string(node: StringNode, place: Place): void {
    const isJson = /^\s*[[{]/.test(node.value) && this.#nesting < MAX_NESTING
    const inner = isJson && place.secretBy === undefined ? parseJson(node.value) : undefined
    if (inner !== undefined) {
      const walk = new LeafWalk(this.#leaves, this.#offsets(node), node.value, this.#nesting + 1)
      walk.visit(inner, { pointer: `${place.pointer}#`, key: '', isIdentity: false })
      return
    }
    // cut or odd, it may still hold the secrets of the object that it once was
    const isOpaque = place.key === LAST_APPLIED && node.value !== ''
    this.#leaf(node, isOpaque ? { ...place, secretBy: 'last-applied' } : place, false)
  }

  #leaf(node: StringNode, place: Place, isKey: boolean): void {
    const isSecret = place.secretBy !== undefined && !isPlaceholder(node.value)
    this.#leaves.push({
      text: node.value,
      at: this.#offsets(node),
      pointer: place.pointer,
      isIdentity: place.isIdentity,
      isKey,
      ...(isSecret ? { secretBy: place.secretBy } : {}),
      ...(isSecret && place.isBase64 ? { isBase64: true } : {}),
    })
  }

  #offsets(node: StringNode): (offset: number) => number {
    let offsets: Uint32Array | undefined | null = null
    return (offset) => {
      if (offsets === null) offsets = escapedOffsets(this.#text.slice(node.start, node.end))
      return this.#outer(node.start + (offsets?.[offset] ?? offset))
    }
  }
}

/** Stands for `items` of a SecretList, whose members carry no kind. */
const SECRET_ITEMS = '\0items of a SecretList'
const FLAG = /^--?[A-Za-z][A-Za-z0-9_.-]{0,127}$/

/** What is below a secret is secret, and an array is what its key says. */
function inherited(place: Place): Pick<Place, 'secretBy' | 'isBase64'> {
  return {
    ...(place.secretBy === 'secret-object' ? { secretBy: place.secretBy } : {}),
    ...(place.isBase64 === true ? { isBase64: true } : {}),
  }
}

function ruleFor(
  key: string,
  isNamedSecret: boolean,
  isSecretObject: boolean,
): Pick<Place, 'secretBy' | 'isBase64'> | undefined {
  if (isSecretObject && key === 'data') return { secretBy: 'secret-object', isBase64: true }
  if (isSecretObject && key === 'stringData') return { secretBy: 'secret-object' }
  if (isNamedSecret && key === 'value') return { secretBy: 'named-value' }
  return isSecretKey(key) ? { secretBy: 'key-name' } : undefined
}

/** Every value of a key: a sender may give it more than once, and readers differ in which one counts. */
function textsOf(entries: readonly (readonly [StringNode, JsonNode])[], key: string): readonly string[] {
  return entries.flatMap(([name, value]) =>
    name.value === key && value.kind === 'string' ? [value.value] : [],
  )
}
