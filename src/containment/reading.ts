import { podPath, type ApiPath } from '../model/api-path.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { asArray, at, type Json } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { KubeReader, RawResponse } from '../model/ports/kube-reader.js'
import type { Target } from '../model/target.js'

/** An object, or undefined where there is none of that name. Throws as KubeReader does otherwise. */
export async function readObject<Kind>(
  kube: KubeReader,
  path: ApiPath,
  signal: AbortSignal,
): Promise<Kind | undefined> {
  try {
    return parsed(await kube.get(path, { signal })) as Kind
  } catch (error) {
    if (isCode(error, 'not-found')) return undefined
    throw error
  }
}

/** Every item of a list, all pages. */
export async function listObjects<Kind>(
  kube: KubeReader,
  path: ApiPath,
  signal: AbortSignal,
): Promise<readonly Kind[]> {
  const items: Json[] = []
  for await (const page of kube.list(path, { signal })) items.push(...asArray(at(parsed(page), 'items')))
  return items as readonly unknown[] as readonly Kind[]
}

/** The target's pod as it is now. Throws `target-changed` where it is gone or its name belongs to another UID. */
export async function readPod(
  kube: KubeReader,
  target: Pick<Target, 'namespace' | 'name' | 'uid'>,
  signal: AbortSignal,
): Promise<Pod> {
  const pod = await readObject<Pod>(kube, podPath(target.namespace, target.name), signal)
  if (pod?.metadata?.uid === target.uid) return pod
  throw new ImpoundError(
    'target-changed',
    pod === undefined
      ? `pod ${target.namespace}/${target.name} (uid ${target.uid}) is gone`
      : `pod ${target.namespace}/${target.name} is another pod now: uid ${pod.metadata?.uid ?? 'unknown'}, not ${target.uid}`,
    { hints: [`see what is there now: kubectl get pods -n ${target.namespace} -o wide`] },
  )
}

function parsed(response: RawResponse): Json {
  try {
    return JSON.parse(response.body.toString('utf8')) as Json
  } catch (cause) {
    throw new ImpoundError('server', `the answer to ${response.method} ${response.path} is no JSON`, {
      cause,
    })
  }
}
