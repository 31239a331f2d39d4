export { readNodeFacts } from './facts.js'
export { NodePodSet } from './node-pods.js'
export { planNodePods } from './plan.js'
