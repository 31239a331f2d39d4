import unit from './jest.config.js'

/** End-to-end tests: a real cluster by kubeconfig, the built command line. */
export default {
  ...unit,
  testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // a slow machine needs minutes to start a pod
  testTimeout: 600_000,
}
