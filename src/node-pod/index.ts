export { readNodeFacts } from './facts.js'
export { madeNamespaceName } from './names.js'
export { NodePodSet } from './node-pods.js'
export { planNodePods } from './plan.js'
