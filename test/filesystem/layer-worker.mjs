// The program of a thread, from the sources: as layer-worker.js is from the build.
await import('../evidence/run-typescript.mjs')
await import('../../src/filesystem/layer-worker.ts')
