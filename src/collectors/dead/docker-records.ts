import { asArray, asString, at } from '../../model/json.js'
import { type ContainerRecord, MOST_LAYERS } from './container-record.js'

/** Files of the node by their paths, as latin1. */
export type NodeFiles = ReadonlyMap<string, Buffer>

/** k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT, as the kubelet's Docker shims and CRI-O name what they make. */
const NAME = /^\/?k8s_([^_]+)_[^_]+_[^_]+_([0-9A-Za-z-]+)_\d+$/
const ID = /^[0-9a-f]{64}$/

/** The containers of a pod in Docker's own files, with the overlay2 layers that they have. */
export function dockerRecords(files: NodeFiles, podUid: string): readonly ContainerRecord[] {
  const records: ContainerRecord[] = []
  for (const [path, content] of files) {
    const [, root = '', id = ''] = /^(.*)\/containers\/([0-9a-f]{64})\/config\.v2\.json$/.exec(path) ?? []
    const config = id === '' ? undefined : parsed(content)
    if (config === undefined) continue
    const [, byName, uidByName] = NAME.exec(asString(at(config, 'Name')) ?? '') ?? []
    const label = (key: string): string | undefined => asString(at(config, 'Config', 'Labels', key))
    if ((label('io.kubernetes.pod.uid') ?? uidByName) !== podUid) continue
    const name = label('io.kubernetes.container.name') ?? byName ?? ''
    if (name === 'POD' || label('io.kubernetes.docker.type') === 'podsandbox') continue
    const image = asString(at(config, 'Config', 'Image'))
    const mountId = files
      .get(`${root}/image/overlay2/layerdb/mounts/${id}/mount-id`)
      ?.toString('latin1')
      .trim()
    records.push({
      runtime: 'docker',
      id,
      name,
      ...(image === undefined ? {} : { image }),
      ...layersOf(files, `${root}/overlay2`, mountId),
    })
  }
  return records
}

/** The containers of a pod in the store of CRI-O. */
export function crioRecords(files: NodeFiles, podUid: string): readonly ContainerRecord[] {
  const records: ContainerRecord[] = []
  for (const [path, content] of files) {
    const root = /^(.*)\/overlay-containers\/containers\.json$/.exec(path)?.[1]
    if (root === undefined) continue
    for (const container of asArray(parsed(content))) {
      const names = asArray(at(container, 'names')).map((name) => NAME.exec(asString(name) ?? ''))
      const name = names.find((match) => match?.[2] === podUid)?.[1]
      const id = asString(at(container, 'id')) ?? ''
      if (name === undefined || name === 'POD' || !ID.test(id)) continue
      const image = asString(at(container, 'image'))
      records.push({
        runtime: 'cri-o',
        id,
        name,
        ...(image === undefined ? {} : { image }),
        ...layersOf(files, `${root}/overlay`, asString(at(container, 'layer'))),
      })
    }
  }
  return records
}

/** Both keep a layer's content in "diff" and, in "lower", short names of those below it, relative to where the layers lie. */
function layersOf(
  files: NodeFiles,
  store: string,
  layer: string | undefined,
): Pick<ContainerRecord, 'layers' | 'why'> {
  if (layer === undefined || !/^[0-9a-z][0-9a-z-]{0,127}$/.test(layer))
    return { why: 'its runtime has no record of its layers any more' }
  const lower = files.get(`${store}/${layer}/lower`)?.toString('latin1').trim() ?? ''
  const lowers = lower.split(':').filter((name) => name !== '')
  if (lowers.length > MOST_LAYERS || !lowers.every((name) => /^[A-Za-z0-9_/.-]{1,200}$/.test(name)))
    return { why: 'the list of its layers is not as its runtime writes it' }
  return { layers: { upper: `${store}/${layer}/diff`, lowers: lowers.map((name) => `${store}/${name}`) } }
}

function parsed(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}
