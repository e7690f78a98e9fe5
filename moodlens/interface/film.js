// The scripts for a film are fetched at the first event that needs them.
let film = null;
const tell = async (event) => {
  film ??= import(new URL('{address}', document.baseURI))
    .then(({ bringToLife }) => bringToLife(element));
  (await film)[event.type](event);
};

element.addEventListener('change', tell);
element.addEventListener('click', (event) => { if (event.target.closest('button')) tell(event); });
element.addEventListener('dragover', (event) => event.preventDefault());
element.addEventListener('drop', (event) => {
  event.preventDefault();
  tell({ type: 'drop', dataTransfer: { files: [...event.dataTransfer.files] } });
});
