export { ACTION, EphemeralSet, type EphemeralMeans } from './ephemeral-set.js'
