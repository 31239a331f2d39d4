import type { LabVersion } from '../../src/lab/api/resources.js'

/** A cluster that the contract is held against. */
export interface ContractWorld {
  readonly version: LabVersion
  /** An administrator's. */
  readonly kubeconfig: string
  /** That of a user `responder` without any rights beside what every user has. */
  readonly noRights: string
  /** `app` has a shell and runs `serve`; `distroless` has one static binary that runs on. */
  readonly images: { readonly app: string; readonly distroless: string }
  /** Ends the first run of the container `app`, and resolves when the second one runs. */
  restart(namespace: string, pod: string): Promise<void>
  /** Lets every continue token expire; only where time can be bent. */
  expireTokens?(): void
  close(): Promise<void>
}
