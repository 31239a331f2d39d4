import type { KeyPair } from './certificates.js'

export type Credential =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'certificate'; readonly pair: KeyPair }

/** A kubeconfig with one cluster, one user and the context 'lab' in the namespace 'default'. */
export function kubeconfigText(server: string, ca: string, user: string, credential: Credential): string {
  const lines = [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: lab',
    '  cluster:',
    `    server: ${server}`,
    `    certificate-authority-data: ${base64(ca)}`,
    'users:',
    `- name: ${JSON.stringify(user)}`,
    '  user:',
    ...credentialLines(credential).map((line) => `    ${line}`),
    'contexts:',
    '- name: lab',
    '  context:',
    '    cluster: lab',
    `    user: ${JSON.stringify(user)}`,
    'current-context: lab',
  ]
  return `${lines.join('\n')}\n`
}

function credentialLines(credential: Credential): readonly string[] {
  switch (credential.kind) {
    case 'token':
      return [`token: ${credential.token}`]
    case 'certificate':
      return [
        `client-certificate-data: ${base64(credential.pair.certificate)}`,
        `client-key-data: ${base64(credential.pair.key)}`,
      ]
  }
}

function base64(pem: string): string {
  return Buffer.from(pem).toString('base64')
}
