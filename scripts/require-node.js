// Build scripts need the Node.js that the `node` package brings; its install script can be refused by npm.
var parts = process.versions.node.split('.').map(Number)
if (parts[0] < 22 || (parts[0] === 22 && parts[1] < 22)) {
  console.error(
    'impound: this is Node.js ' +
      process.versions.node +
      ', 22.22 or later is needed. node_modules/.bin/node is missing: run "npm rebuild node --foreground-scripts", or install Node.js 24.',
  )
  process.exit(2)
}
