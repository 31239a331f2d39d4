import { Ajv2020 } from 'ajv/dist/2020.js'

/**
 * What the projects' own CRDs ask of the objects that impound makes, restated: the parts that are used, closed to everything else.
 * Sources: cilium/cilium pkg/k8s/apis/cilium.io/client/crds/v2 and pkg/policy/api (rule_validation.go: one rule names one sort of
 * peer); projectcalico/calico api/config/crd; antrea-io/antrea build/charts/antrea/crds; kubernetes-sigs/network-policy-api config/crd
 * and apis/v1alpha1.
 */
type Schema = Readonly<Record<string, unknown>>

function closed(properties: Schema, required: readonly string[] = []): Schema {
  return { type: 'object', properties, required, additionalProperties: false }
}

function list(items: Schema, limits: Schema = {}): Schema {
  return { type: 'array', items, ...limits }
}

const TEXT = { type: 'string' }
const SELECTOR = closed({
  matchLabels: { type: 'object', additionalProperties: { type: 'string', maxLength: 63 } },
  matchExpressions: list(
    closed({ key: TEXT, operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] }, values: list(TEXT) }, [
      'key',
      'operator',
    ]),
  ),
})

const ENTITIES = {
  enum: [
    'all',
    'world',
    'cluster',
    'host',
    'init',
    'ingress',
    'unmanaged',
    'remote-node',
    'health',
    'none',
    'kube-apiserver',
  ],
}

/** Of the peers of one rule only one sort may be named. */
function oneOf(peers: Schema): Schema {
  return { ...closed(peers), minProperties: 1, maxProperties: 1 }
}

const CILIUM = closed(
  {
    endpointSelector: SELECTOR,
    ingressDeny: list(oneOf({ fromEntities: list(ENTITIES), fromEndpoints: list(SELECTOR) })),
    egressDeny: list(oneOf({ toEntities: list(ENTITIES), toEndpoints: list(SELECTOR) })),
  },
  ['endpointSelector'],
)

const CALICO_RULES = list(closed({ action: { enum: ['Allow', 'Deny', 'Log', 'Pass'] } }, ['action']))
const TIER = closed({ order: { type: 'number' }, defaultAction: { enum: ['Pass', 'Deny'] } })
const GLOBAL = closed({
  tier: TEXT,
  order: { type: 'number' },
  selector: TEXT,
  types: list({ enum: ['Ingress', 'Egress'] }, { minItems: 1 }),
  ingress: CALICO_RULES,
  egress: CALICO_RULES,
})

const ANTREA_RULES = list(
  closed({ name: TEXT, action: { enum: ['Allow', 'Drop', 'Reject', 'Pass'] } }, ['action']),
)
const ANTREA = closed(
  {
    tier: TEXT,
    priority: { type: 'number', minimum: 1, maximum: 10_000 },
    appliedTo: list(closed({ podSelector: SELECTOR, namespaceSelector: SELECTOR })),
    ingress: ANTREA_RULES,
    egress: ANTREA_RULES,
  },
  ['priority'],
)

const PODS = closed({ namespaceSelector: SELECTOR, podSelector: SELECTOR }, ['podSelector'])
const PRIORITY = { type: 'integer', minimum: 0, maximum: 1000 }

function adminRules(peer: 'from' | 'to', actions: readonly string[], peers: Schema): Schema {
  const many = list({ ...closed(peers), minProperties: 1, maxProperties: 1 }, { minItems: 1, maxItems: 25 })
  const rule = closed({ name: { type: 'string', maxLength: 100 }, action: { enum: actions }, [peer]: many }, [
    'action',
    peer,
  ])
  return list(rule, { maxItems: 25 })
}

const SUBJECT = { ...closed({ namespaces: SELECTOR, pods: PODS }), minProperties: 1, maxProperties: 1 }
const NETWORKS = list({ type: 'string', maxLength: 43 }, { minItems: 1, maxItems: 25 })
const PEERS = { namespaces: SELECTOR, pods: PODS }

const CLUSTER = closed(
  {
    tier: { enum: ['Admin', 'Baseline'] },
    priority: PRIORITY,
    subject: SUBJECT,
    ingress: adminRules('from', ['Accept', 'Deny', 'Pass'], PEERS),
    egress: adminRules('to', ['Accept', 'Deny', 'Pass'], { ...PEERS, networks: NETWORKS }),
  },
  ['tier', 'priority', 'subject'],
)

const ADMIN = closed(
  {
    priority: PRIORITY,
    subject: SUBJECT,
    ingress: adminRules('from', ['Allow', 'Deny', 'Pass'], PEERS),
    egress: adminRules('to', ['Allow', 'Deny', 'Pass'], PEERS),
  },
  ['priority', 'subject'],
)

const SPECS: Readonly<Record<string, Schema>> = {
  'cilium.io/v2 CiliumClusterwideNetworkPolicy': CILIUM,
  'projectcalico.org/v3 Tier': TIER,
  'projectcalico.org/v3 GlobalNetworkPolicy': GLOBAL,
  'crd.antrea.io/v1beta1 ClusterNetworkPolicy': ANTREA,
  'policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy': CLUSTER,
  'policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy': ADMIN,
}

/** What the project's CRD would have against an object; empty where nothing. Throws for a kind that is not restated. */
export function crdComplaints(object: {
  readonly apiVersion: string
  readonly kind: string
  readonly spec?: unknown
}): unknown {
  const spec = SPECS[`${object.apiVersion} ${object.kind}`]
  if (spec === undefined) throw new Error(`no CRD of ${object.apiVersion} ${object.kind} is restated`)
  const validate = new Ajv2020({ allErrors: true, strict: true, strictRequired: false }).compile(spec)
  return validate(object.spec) ? [] : validate.errors
}
