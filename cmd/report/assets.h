/* The pages and what they need, made from the files beside this one by embed.sh. */
#ifndef HP_REPORT_ASSETS_H
#define HP_REPORT_ASSETS_H

extern const char asset_page_css[];
extern const char asset_diff_css[];
extern const char asset_bars_html[], asset_bars_css[], asset_bars_js[];
extern const char asset_explorer_html[], asset_explorer_css[], asset_explorer_js[];

#endif
