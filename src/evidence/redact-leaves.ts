import { escapedOffsets, parseJson, type JsonNode, type StringNode } from './redact-json.js'
import { isPlaceholder } from './redact-formats.js'
import { isSecretKey, isSecretName } from './redact-names.js'

/** One string of a document, decoded, and how to get back to where it stands. */
export interface Leaf {
  readonly text: string
  /** Offset in the document of an offset in `text`. */
  at(offset: number): number
  /** RFC 6901; '#' leads on into JSON that stands in a string. */
  pointer(): string
  /** Kubernetes' own words: names, kinds, images, addresses. Never replaced because a known secret is like them. */
  readonly isIdentity: boolean
  readonly isKey: boolean
  /** That the whole of it is a secret, and by which rule. */
  readonly secretBy: string | undefined
  /** That it is base64 of the secret (data of a Secret). */
  readonly isBase64: boolean
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
/** JSON in a string in JSON in a string, and no further. */
const MAX_NESTING = 3

const IDENTITY = new Set(
  (
    'apiVersion kind name generateName namespace uid resourceVersion selfLink fieldPath ' +
    'creationTimestamp deletionTimestamp lastTransitionTime startTime startedAt finishedAt time ' +
    'image imageID containerID nodeName serviceAccountName serviceAccount secretName key phase ' +
    'type status reason protocol operator effect manager operation fieldsType hostIP podIP ip ' +
    'clusterIP addresses controller kubernetes.io/metadata.name subresource verbs resources ' +
    'apiGroups restartPolicy imagePullPolicy claimName storageClassName'
  ).split(' '),
)
/** Maps whose values are compared with other objects' (selectors): replaced they would tell something else. */
const IDENTITY_MAPS = new Set(['labels', 'matchLabels', 'selector', 'nodeSelector'])

/** Where in the document a value stands, and what that says of it. */
interface Place {
  readonly parent: Place | undefined
  /** Of the object's key, the array's index, or '#' for JSON in a string. */
  readonly step: string | number
  /** The nearest object key: for an array's items that of the array. */
  readonly key: string
  readonly isIdentity: boolean
  readonly secretBy: string | undefined
  readonly isBase64: boolean
}

/** JSON that stands in the text of another: the document itself, or a string in it. */
interface Layer {
  readonly text: string
  readonly nesting: number
  /** From an offset in this text to one in the document. */
  readonly outer: (offset: number) => number
}

/** Every string of a JSON document with what its place says of it; undefined where the text is no JSON. */
export function leavesOf(text: string): readonly Leaf[] | undefined {
  const root = parseJson(text)
  if (root === undefined) return undefined
  const leaves: Leaf[] = []
  new LeafWalk(leaves, { text, nesting: 0, outer: (offset) => offset }).visit(root, placeBelow(undefined, ''))
  return leaves
}

class LeafWalk {
  readonly #leaves: Leaf[]
  readonly #layer: Layer

  constructor(leaves: Leaf[], layer: Layer) {
    this.#leaves = leaves
    this.#layer = layer
  }

  visit(node: JsonNode, place: Place): void {
    if (node.kind === 'object') this.#object(node.entries, place)
    else if (node.kind === 'array') this.#array(node.items, place)
    else if (node.kind === 'string') this.#string(node, place)
  }

  #object(entries: readonly (readonly [StringNode, JsonNode])[], place: Place): void {
    const kinds = textsOf(entries, 'kind')
    const isNamedSecret = textsOf(entries, 'name').some(isSecretName)
    const isSecretObject = kinds.includes('Secret') || place.key === SECRET_ITEMS
    const isSecretList = kinds.includes('SecretList')
    for (const [keyNode, value] of entries) {
      const key = keyNode.value
      const below: Place = {
        parent: place,
        step: key,
        key: isSecretList && key === 'items' ? SECRET_ITEMS : key,
        isIdentity: IDENTITY.has(key) || IDENTITY_MAPS.has(key) || IDENTITY_MAPS.has(place.key),
        secretBy: ruleFor(key, isNamedSecret, isSecretObject) ?? inherited(place),
        isBase64: place.isBase64 || (isSecretObject && key === 'data'),
      }
      if (key.length >= MIN_KEY) this.#leaves.push(new StringLeaf(this.#layer, keyNode, below, true))
      this.visit(value, below)
    }
  }

  #array(items: readonly JsonNode[], place: Place): void {
    let flag = false
    items.forEach((item, index) => {
      const below: Place = { ...place, parent: place, step: index }
      const isValue = flag && item.kind === 'string' && !item.value.startsWith('-')
      this.visit(item, isValue ? { ...below, secretBy: 'flag' } : below)
      flag = item.kind === 'string' && FLAG.test(item.value) && isSecretName(item.value)
    })
  }

  #string(node: StringNode, place: Place): void {
    const isJson = JSON_START.test(node.value) && this.#layer.nesting < MAX_NESTING
    const inner = isJson && place.secretBy === undefined ? parseJson(node.value) : undefined
    if (inner === undefined) {
      // cut or odd, it may still hold the secrets of the object that it once was
      const isOpaque = place.key === LAST_APPLIED
      const known: Place = isOpaque ? { ...place, secretBy: LAST_APPLIED } : place
      this.#leaves.push(new StringLeaf(this.#layer, node, known, false))
      return
    }
    const outer = new StringLeaf(this.#layer, node, place, false)
    const layer: Layer = {
      text: node.value,
      nesting: this.#layer.nesting + 1,
      outer: (offset) => outer.at(offset),
    }
    new LeafWalk(this.#leaves, layer).visit(inner, placeBelow(place, '#'))
  }
}

class StringLeaf implements Leaf {
  readonly text: string
  readonly isIdentity: boolean
  readonly isKey: boolean
  readonly secretBy: string | undefined
  readonly isBase64: boolean
  readonly #layer: Layer
  readonly #node: StringNode
  readonly #place: Place
  #offsets: Uint32Array | undefined

  constructor(layer: Layer, node: StringNode, place: Place, isKey: boolean) {
    this.text = node.value
    this.isKey = isKey
    this.isIdentity = !isKey && place.isIdentity
    this.secretBy = isKey || isPlaceholder(node.value) ? undefined : place.secretBy
    this.isBase64 = place.isBase64
    this.#layer = layer
    this.#node = node
    this.#place = place
  }

  at(offset: number): number {
    const { start, end, value } = this.#node
    if (end - start === value.length) return this.#layer.outer(start + offset)
    this.#offsets ??= escapedOffsets(this.#layer.text.slice(start, end))
    return this.#layer.outer(start + (this.#offsets[offset] ?? end - start))
  }

  pointer(): string {
    const steps: string[] = []
    for (let place: Place | undefined = this.#place; place !== undefined; place = place.parent) {
      if (place.step === '#') steps.push('#')
      else if (place.step !== '') {
        steps.push(`/${String(place.step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
      }
    }
    return steps.reverse().join('')
  }
}

/** Stands for `items` of a SecretList, whose members carry no kind. */
const SECRET_ITEMS = '\0items of a SecretList'
/** Nothing that is searched for is shorter. */
const MIN_KEY = 6
const FLAG = /^--?[A-Za-z][A-Za-z0-9_.-]{0,127}$/
const JSON_START = /^\s*[[{]/

function placeBelow(parent: Place | undefined, step: string): Place {
  return { parent, step, key: '', isIdentity: false, secretBy: undefined, isBase64: false }
}

/** What is below the data of a Secret is secret, however deep. */
function inherited(place: Place): string | undefined {
  return place.secretBy === 'secret-object' ? place.secretBy : undefined
}

function ruleFor(key: string, isNamedSecret: boolean, isSecretObject: boolean): string | undefined {
  if (isSecretObject && (key === 'data' || key === 'stringData')) return 'secret-object'
  if (isNamedSecret && key === 'value') return 'named-value'
  return isSecretKey(key) ? 'key-name' : undefined
}

/** Every value of a key: a sender may give it more than once, and readers differ in which one counts. */
function textsOf(entries: readonly (readonly [StringNode, JsonNode])[], key: string): readonly string[] {
  const texts: string[] = []
  for (const [name, value] of entries) {
    if (name.value === key && value.kind === 'string') texts.push(value.value)
  }
  return texts
}
