import type { ImageDocument, ImageExportDocument } from '../model/image-document.js'
import { counted } from '../text/count.js'
import { bounded, byText } from './bounded.js'
import type { Bounded, ImageReport, Sentence } from './model.js'
import { plain, sentence } from './sentence.js'

const MOST_IMAGES = 50
const MOST_NOTES = 20

export function imagesOf(
  images: readonly ImageDocument[],
  exported: ImageExportDocument | undefined,
  directory: string,
): Bounded<ImageReport> {
  const rows = images
    .toSorted((a, b) => byText(a.container, b.container))
    .map((image) => imageOf(image, exportNotes(exported, image.container)))
  return bounded(rows, MOST_IMAGES, `data/targets/${directory}/image/`)
}

function imageOf(image: ImageDocument, exported: readonly string[]): ImageReport {
  return {
    container: image.container,
    reference: image.reference,
    imageID: image.imageID,
    registry: registryWords(image),
    tag: tagWords(image),
    created: image.registry?.created ?? null,
    platform: image.registry?.platform ?? null,
    layers: image.registry === undefined ? null : counted(image.registry.layers.length, 'layer'),
    notes: [...exported, ...image.notes, ...attachmentNotes(image)].slice(0, MOST_NOTES),
  }
}

function registryWords({ registry, digest }: ImageDocument): Sentence {
  if (registry === undefined) {
    return digest === undefined
      ? plain('The runtime named no digest, so no registry could be asked for what runs here.')
      : plain('The registry was not asked, or did not answer. The ledger says which.')
  }
  const { repository, indexDigest, manifestDigest, configDigest } = registry
  const index = indexDigest === undefined ? plain('') : sentence`index ${indexDigest}, `
  const manifest = manifestDigest === undefined ? plain('') : sentence`manifest ${manifestDigest} and `
  const file = registry.source === 'image-archive' ? plain('The file ') : plain('')
  return sentence`${file}${repository} has ${index}${manifest}configuration ${configDigest}; each was checked against its digest.${credentialWords(registry.credentials)}`
}

/** Told as a note: what is attached is no part of what was checked. */
function attachmentNotes({ attachments = [] }: ImageDocument): readonly string[] {
  if (attachments.length === 0) return []
  const kinds = [...new Set(attachments.map(({ kind }) => kind))].sort()
  return [
    `${counted(attachments.length, 'attachment')} beside the image in its registry (${kinds.join(', ')}); none of them was verified; image.json lists them, and their bytes are kept beside it`,
  ]
}

function exportNotes(exported: ImageExportDocument | undefined, container: string): readonly string[] {
  const found = exported?.images.find(({ containers }) => containers.includes(container))
  if (found === undefined) return []
  const name = found.names[found.containers.indexOf(container)] ?? ''
  return found.whole
    ? [
        `the image itself is in the OCI layout image-export/ under the name ${name}: ${counted(found.layers, 'layer')} of ${found.bytes} bytes, each checked against its digest`,
      ]
    : [`the image itself could not be kept whole: ${found.why ?? 'not known why'}`]
}

function credentialWords(credentials: string | undefined): Sentence {
  return credentials === undefined
    ? plain('')
    : sentence` It wanted credentials and was shown those from ${credentials}.`
}

function tagWords({ tagNow }: ImageDocument): Sentence {
  if (tagNow === undefined) return plain('Not compared with what the tag stands for now.')
  return tagNow.drifted
    ? sentence`The tag ${tagNow.tag} now stands for another image: ${tagNow.digest}.`
    : sentence`The tag ${tagNow.tag} still stands for the image that runs here.`
}
