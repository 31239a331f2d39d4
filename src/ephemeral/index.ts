export { EphemeralSet } from './ephemeral-set.js'
