import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

import { describe, expect, it } from '@jest/globals'

const ROOT = resolve(import.meta.dirname, '..')

/** What each folder may import besides itself. CONTRIBUTING.md says why. */
const PORTS_ONLY = ['src/model', 'src/text', 'src/formats']
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'src/model': [],
  'src/text': ['src/model'],
  'src/formats': ['src/model'],
  'src/kube': PORTS_ONLY,
  'src/registry': PORTS_ONLY,
  'src/node-pod': PORTS_ONLY,
  'src/ephemeral': PORTS_ONLY,
  'src/filesystem': PORTS_ONLY,
  'src/evidence': PORTS_ONLY,
  'src/collectors': [...PORTS_ONLY, 'src/filesystem'],
  'src/containment': PORTS_ONLY,
  'src/analysis': PORTS_ONLY,
  'src/report': PORTS_ONLY,
  'src/lab': PORTS_ONLY,
  'src/engine': [
    ...PORTS_ONLY,
    'src/kube',
    'src/registry',
    'src/node-pod',
    'src/ephemeral',
    'src/filesystem',
    'src/evidence',
    'src/collectors',
    'src/containment',
    'src/analysis',
    'src/report',
  ],
  'src/cli': [...PORTS_ONLY, 'src/engine'],
  commands: [...PORTS_ONLY, 'src/engine', 'src/cli', 'src/lab'],
}

/** Packages that only one folder may see. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['src/kube'],
  ws: ['src/kube', 'src/lab'],
  undici: ['src/kube', 'src/registry'],
  '@oclif/core': ['src/cli', 'commands'],
  inquirer: ['src/cli'],
  archiver: ['src/evidence'],
  mustache: ['src/report'],
}

interface Import {
  readonly file: string
  readonly specifier: string
}

function folderOf(file: string): string {
  return Object.keys(ALLOWED).find((folder) => file.startsWith(`${folder}/`)) ?? file
}

function imports(): readonly Import[] {
  return ['src', 'commands']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8')
      const found = text.matchAll(
        /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g,
      )
      return [...found].map((match) => ({ file, specifier: match[1] ?? match[2] ?? match[3] ?? '' }))
    })
}

const all = imports()
const local = all
  .filter(({ specifier }) => specifier.startsWith('.'))
  .map(({ file, specifier }) => ({
    file,
    target: relative(ROOT, resolve(ROOT, dirname(file), specifier)).replace(/\.js$/, '.ts'),
  }))

describe('dependency directions', () => {
  it('sees the imports of the project', () => {
    expect(local.length).toBeGreaterThan(10)
  })

  it('lets a folder import only what stands below it', () => {
    const broken = local.filter(({ file, target }) => {
      const [from, to] = [folderOf(file), folderOf(target)]
      return from !== to && !(ALLOWED[from] ?? []).includes(to)
    })
    expect(broken).toEqual([])
  })

  it('keeps each library behind the folder that owns it', () => {
    const broken = all.filter(({ file, specifier }) => {
      const owners = Object.entries(ONLY_IN).find(
        ([name]) => specifier === name || specifier.startsWith(`${name}/`),
      )?.[1]
      return owners !== undefined && !owners.includes(folderOf(file))
    })
    expect(broken).toEqual([])
  })

  it('has no cycle', () => {
    const edges = new Map<string, string[]>()
    for (const { file, target } of local) edges.set(file, [...(edges.get(file) ?? []), target])
    const state = new Map<string, 'open' | 'done'>()
    const cycles: string[] = []
    const visit = (file: string, trail: readonly string[]): void => {
      if (state.get(file) === 'done') return
      if (state.get(file) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '))
        return
      }
      state.set(file, 'open')
      for (const next of edges.get(file) ?? []) visit(next, [...trail, file])
      state.set(file, 'done')
    }
    for (const file of edges.keys()) visit(file, [])
    expect(cycles).toEqual([])
  })
})
