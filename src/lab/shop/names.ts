/** Names and UIDs of the shop's objects: fixed, so that tests and documents can quote them. */
export const SHOP = 'shop'

export const UID = {
  kubeSystem: '0a4f6c1e-8d27-4b53-9e10-2f7c5a91d3b8',
  default: '5d0e2b74-61c9-4a8f-b2d3-90e71c46af12',
  shop: 'c2b19f60-3e85-4d07-8a4c-16f95b03d7e4',
  nodeA: '7be4d8a1-0f36-4c92-a5e7-3d81c60b29f4',
  nodeB: 'e91c5f02-b7a8-4360-8c1d-f54a27e09b63',
  serviceAccountWeb: '38f7a2c5-94d1-4be6-b08a-c72e51d60f9a',
  serviceAccountDefault: 'a60b93e8-2c57-4f1d-9d84-0be6f21c7a35',
  configMap: '91d3e7b0-5a42-4c68-8f29-6e07b1ac54d2',
  secret: 'f4a8c016-d92b-4735-a1ce-8b53e60d97f1',
  deploymentWeb: '2c6e90d4-7f1b-4a35-9be8-d0475c8a13f6',
  replicaSetWeb: '8f02b5c7-e36a-4d91-a74f-59c1d80e2b6a',
  /** The suspect. */
  podSuspect: '1f3a9c02-5b7e-4c1d-9a60-7e2b8d4f1c35',
  podSibling: '6b5d20e8-c493-4f7a-8e1b-a3f09d7c6152',
  deploymentDb: 'd57f1a93-08ce-4b62-b9f4-2e86a0c7d51b',
  replicaSetDb: '4e8b06d1-a75f-4c29-9d30-f16b82e5c7a4',
  podDb: 'b30c7f58-1e94-4da6-8527-c9e04a6f1bd3',
  serviceKubernetes: '03d9f5a7-4c18-4e6b-a2f0-71b58ce6d94a',
  serviceWeb: '95a1e4c3-d60b-4f87-b5d2-0e7c39f8a641',
  serviceDb: 'c8407be2-39fd-4a15-8c6e-b2d19f50e7a3',
  endpointsWeb: '1db6c0f9-85e3-4729-9af4-e60d7b3c28a5',
  endpointsDb: '70e2a95d-bc46-4f18-a3d7-58c0f1e94b6a',
  sliceWeb: 'ae5c31f8-672d-4b90-8e4a-d9b70f26c1e3',
  sliceDb: '52f98d0b-e1a7-4c64-b68f-03d5c7a2e9f1',
  ingress: 'dd06b7e4-f538-4a92-91ce-4b0f8e65a7c2',
  policyAllowWeb: '6a39e5c0-17fb-4d84-a92e-c50d8b7f36e1',
  policySameNamespace: 'e24d80b6-5c9f-4e31-8d7a-f19b03c6a5e8',
} as const

export const NODE_A = {
  name: 'ip-10-0-3-7',
  ip: '10.0.3.7',
  podRange: '10.42.1.0/24',
  uid: UID.nodeA,
} as const
export const NODE_B = {
  name: 'ip-10-0-3-22',
  ip: '10.0.3.22',
  podRange: '10.42.2.0/24',
  uid: UID.nodeB,
} as const

export const WEB_HASH = '6dd6bfc4b'
export const DB_HASH = '5c9f7d8b64'

export const SUSPECT = { name: `web-${WEB_HASH}-x2x7k`, uid: UID.podSuspect, ip: '10.42.1.9' } as const
export const SIBLING = { name: `web-${WEB_HASH}-q8w5z`, uid: UID.podSibling, ip: '10.42.2.25' } as const
export const DB_POD = { name: `db-${DB_HASH}-7hlpz`, uid: UID.podDb, ip: '10.42.1.11' } as const

/** Where the implant calls home: an address of TEST-NET-3 (RFC 5737), which leads nowhere. */
export const C2 = { address: '203.0.113.7', port: 443 } as const
