export { parseRegistryPolicy } from './policy.js'
export { createRegistry } from './registry.js'
