// Sets the chosen theme before the first paint; a module would come too late and flash.
// Never touches anything else. A browser without storage gets the system's theme.
try {
  const chosen = localStorage.getItem('talas.theme');
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is forbidden here: the system's theme it is.
}
