export { parseRegistryPolicy, type RegistryPolicy } from './policy.js'
export { createRegistry, type RegistryOptions } from './registry.js'
