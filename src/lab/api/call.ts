import type { Admission } from '../admission/admission.js'
import type { User } from '../access/user.js'
import type { Users } from '../access/users.js'
import type { LogBook } from '../kubelet/log-book.js'
import type { Store } from '../store/store.js'
import type { LabRuntime } from '../types.js'
import type { ResourceRequest } from './request-info.js'
import type { LabResource, LabVersion } from './resources.js'

/** What the handlers of one lab share. */
export interface ApiContext {
  readonly profile: LabVersion
  readonly resources: readonly LabResource[]
  readonly store: Store
  readonly users: Users
  readonly runtime: LabRuntime
  readonly admission: Admission
  readonly logs: LogBook
  readonly now: () => Date
}

/** One authorised request for a resource. */
export interface ApiCall {
  readonly request: ResourceRequest
  readonly resource: LabResource
  readonly user: User
  readonly query: URLSearchParams
  readonly contentType: string
  readonly body: Buffer
  /** The name under which managedFields record a write. */
  readonly manager: string
  /** Filled while the call is answered: what the Warning headers will say. */
  readonly warnings: string[]
}
