import { indexLayer } from './index-layer.js'
import { LayerIndexWriter } from './layer-index-file.js'

/** Reads a layer's blob and writes its index to a path that is free. Throws as {@link indexLayer}; what is there then is no index. */
export async function writeLayerIndex(
  blob: AsyncIterable<Uint8Array>,
  diffId: string,
  path: string,
): Promise<void> {
  const writer = new LayerIndexWriter(path, diffId)
  try {
    await indexLayer(blob, diffId, (member) => writer.add(member))
  } catch (error) {
    writer.close()
    throw error
  }
  writer.finish()
}
