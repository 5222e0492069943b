"""Icons of the header: strokes on a grid of 24, in the colour of the text around them."""

from __future__ import annotations

_PATHS = {
    "studio": '<rect x="3" y="4" width="18" height="16" rx="3"/><path d="M3 16l5-5 4 4 3-3 6 5"/>'
    '<circle cx="15.5" cy="8.5" r="1.5"/>',
    "arena": '<rect x="3" y="5" width="7.5" height="14" rx="2"/>'
    '<rect x="13.5" y="5" width="7.5" height="14" rx="2"/>',
    "leaderboard": '<path d="M8 4h8v5a4 4 0 0 1-8 0zM8 5.5H4.5v1A3.5 3.5 0 0 0 8 10M16 5.5h3.5v1'
    'A3.5 3.5 0 0 1 16 10M12 13v4M8.5 20h7M12 17c-2 0-3 1.2-3 3h6c0-1.8-1-3-3-3z"/>',
    "batch": '<rect x="4" y="9" width="16" height="11" rx="2.5"/><path d="M6.5 6h11M9 3h6"/>',
    "models": '<path d="M12 3l8 4.5v9L12 21l-8-4.5v-9z"/><path d="M4 7.5l8 4.5 8-4.5M12 12v9"/>',
    "language": '<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c5 5.5 5 12.5 0 18'
    'M12 3c-5 5.5-5 12.5 0 18"/>',
    "theme": '<circle cx="12" cy="12" r="8.5"/>'
    '<path d="M12 3.5a8.5 8.5 0 0 1 0 17z" fill="currentColor" stroke="none"/>',
    "about": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5"/><path d="M12 7.6v.1"/>',
    "open": '<path d="M7 10l5 5 5-5"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "chosen": '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
}


def icon(name: str) -> str:
    """Return an icon as inline SVG, which screen readers pass over."""
    return (
        '<svg class="icon" viewBox="0 0 24 24" width="20" height="20" fill="none" '
        'stroke="currentColor" stroke-width="1.75" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true" focusable="false">{_PATHS[name]}</svg>'
    )
