"""Whatever a form of the pages does and a file of them holds, a program can do and fetch."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from annotate.models import Project
from annotate.views.api.spec import ENDPOINTS

COUNTERPARTS: Mapping[str, str] = {
    "codebooks.create": "POST /codebooks, POST /codebooks/from-file",
    "codebooks.change_head": "PUT /codebooks/<version_id>",
    "codebooks.save_variable": "PUT /codebooks/<version_id>, POST /codebooks/<version_id>/retype",
    "codebooks.save_code": "PUT /codebooks/<version_id>",
    "codebooks.freeze": "POST /codebooks/<version_id>/freeze",
    "codebooks.begin_next": "POST /codebooks/<version_id>/next",
    "coding.take": "POST /rounds/<round_id>/take",
    "coding.draft": "PUT /units/<unit_id>/draft",
    "coding.submit": "POST /units/<unit_id>",
    "coding.hand_back": "POST /units/<unit_id>/hand-back",
    "comments.read": "PUT /me/for-you",
    "comments.add": "POST /comments",
    "comments.change": "POST /comments/<comment_id>/replies, PUT /comments/<comment_id>, "
    "DELETE /comments/<comment_id>, POST /comments/<comment_id>/restore, "
    "PUT /comments/<comment_id>/resolved",
    "differing.decide": "POST /differences/<item_id>/<key>",
    "differing.undo": "POST /decisions-of-values/<decision_id>/undo",
    "exchange.undo_codings": "POST /imports/<import_id>/undo-codings",
    "fixity.check": "POST /fixity",
    "highlights.add": "POST /captures/<capture_id>/highlights",
    "highlights.add_media": "POST /captures/<capture_id>/marks",
    "highlights.edit": "POST /highlights/<annotation_id>, "
    "POST /highlights/<annotation_id>/withdraw, POST /highlights/<annotation_id>/restore",
    "highlights.carry": "POST /highlights/<annotation_id>/carry",
    "highlights.leave": "POST /highlights/<annotation_id>/leave",
    "imports.upload": "POST /imports",
    "imports.decide": "PUT /imports/<import_id>/choices, PUT /imports/<import_id>/ticked, "
    "POST /imports/<import_id>/confirm, POST /imports/<import_id>/discard",
    "imports.confirm_all": "POST /imports/confirm",
    "items.add_tag": "POST /items/<item_id>/tags",
    "items.remove_tag": "DELETE /items/<item_id>/tags/<tag_id>",
    "items.add_note": "POST /items/<item_id>/notes",
    "items.edit_note": "PUT /notes/<note_id>",
    "items.withdraw_note": "PUT /notes/<note_id>/withdrawn",
    "items.set_field": "PUT /items/<item_id>/fields/<key>",
    "items.judge": "POST /items/<item_id>/judgements",
    "items.undo_judgement": "POST /judgements/<judgement_id>/undo",
    "items.capture_again": "POST /requests",
    "library.bulk": "POST /bulk",
    "library.undo": "POST /bulk/<operation_id>/undo",
    "library.saved.save": "POST /searches",
    "library.saved.seen": "POST /searches/<saved_id>/seen",
    "library.saved.remove": "DELETE /searches/<saved_id>",
    "library.saved.restore": "POST /searches/<saved_id>/restore",
    "lists.upload": "POST /lists",
    "lists.run": "POST /lists/<list_id>/look, POST /lists/<list_id>/import",
    "memos.create": "POST /memos",
    "memos.change": "PUT /memos/<memo_id>, POST /memos/<memo_id>/restore, "
    "PUT /memos/<memo_id>/withdrawn",
    "memos.link": "POST /memos/<memo_id>/links, DELETE /memos/<memo_id>/links/<link_id>",
    "packages.wacz": "POST /package",
    "packages.cdxj": "POST /package",
    "projects.change": "PUT ",
    "projects.member": "PUT /members/<login>",
    "projects.define_field": "POST /fields",
    "queue.add": "POST /requests",
    "queue.bulk": "POST /queue/bulk",
    "queue.pause": "PUT /queue/paused",
    "queue.resume": "PUT /queue/paused",
    "queue.act_on": "POST /requests/<request_id>/<act>",
    "recoding.rename": "POST /codebooks/<version_id>/rename",
    "recoding.retire": "POST /codebooks/<version_id>/retire",
    "recoding.split": "POST /codebooks/<version_id>/split",
    "recoding.merge": "POST /codebooks/<version_id>/merge",
    "recoding.remove_variable": "PUT /codebooks/<version_id>",
    "recoding.remove_code": "PUT /codebooks/<version_id>",
    "recoding.undo": "POST /codebooks/<version_id>/undo",
    "recoding.discard": "DELETE /codebooks/<version_id>",
    "recoding.open_round": "POST /codebooks/<version_id>/recoding",
    "registry.add": "POST /registry",
    "registry.change": "PUT /registry/<entry_id>",
    "registry.add_name": "POST /registry/<entry_id>/names",
    "registry.add_handle": "POST /registry/<entry_id>/handles",
    "registry.add_assertion": "POST /registry/<entry_id>/assertions",
    "registry.change_assertion": "PUT /assertions/<assertion_id>",
    "registry.judge": "POST /registry/<entry_id>/judgements",
    "registry.undo_judgement": "POST /registry-judgements/<judgement_id>/undo",
    "registry.withdraw": "POST /kept/<table>/<row_id>/withdraw",
    "registry.undo": "POST /changes/<int:event_id>/undo",
    "registry_lists.upload": "POST /registry-lists",
    "registry_lists.look": "POST /registry-lists/<list_id>/look, "
    "POST /registry-lists/<list_id>/import",
    "relations.relate": "POST /relations",
    "relations.change": "PUT /relations/<relation_id>",
    "relations.add_kind": "POST /relation-types",
    "rounds.create": "POST /rounds",
    "rounds.pass_on": "POST /rounds/<round_id>/pass",
    "rounds.reveal": "POST /rounds/<round_id>/reveal",
    "rounds.withdraw": "POST /rounds/<round_id>/withdraw",
    "rounds.decide": "POST /rounds/<round_id>/decisions",
    "sameness.judge": "POST /items/<item_id>/judgements",
    "screening.save_page": "PUT /items/<item_id>/screening",
    "screening.save_one": "PUT /items/<item_id>/screening",
    "screening.do_many": "GET /screening/preview, POST /screening",
    "screening.undo": "POST /screening/<operation_id>/undo",
    "sensitive.mark": "PUT /items/<item_id>/sensitive",
    "sensitive.unmark": "DELETE /items/<item_id>/sensitive",
    "sensitive.bulk": "POST /sensitive",
    "sensitive.undo": "POST /sensitive/<operation_id>/undo",
    "sensitive.choose": "PUT /me/pictures",
    "sensitive.blur_all": "PUT /blurs-all",
    "sweeps.add": "POST /sweeps",
    "sweeps.from_lists": "POST /sweeps/from-lists",
    "sweeps.change": "PUT /sweeps/<sweep_id>",
    "sweeps.find": "POST /sweeps/<sweep_id>/items, POST /sweeps/<sweep_id>/items/take-off",
    "tokens.make": "POST /me/tokens",
    "tokens.revoke": "DELETE /me/tokens/<token_id>",
    "watching.make": "POST /watches",
    "watching.switch": "PUT /watches/<watch_id>/active",
    "watching.look": "POST /visits",
    "watching.revisit": "POST /visits, POST /requests",
    "ways.set_way_out": "PUT /way-out, DELETE /way-out",
    "ways.add": "POST /sessions",
    "ways.delete": "DELETE /sessions/<session_id>",
}
FILES: Mapping[str, str] = {
    "captures.download": "GET /captures/<capture_id>/warc",
    "captures.text": "GET /items/<item_id>/text",
    "citing.csl": "GET /captures/<capture_id>/citation.json",
    "citing.provenance": "GET /items/<item_id>/prov",
    "citing.ris": "GET /captures/<capture_id>/citation.ris",
    "codebooks.as_csv": "GET /codebooks/<version_id>",
    "codebooks.as_json": "GET /codebooks/<version_id>",
    "data.as_csv": "GET /data",
    "data.as_json": "GET /data",
    "data.as_xlsx": "GET /data",
    "exchange.codebook_qdc": "GET /codebooks/<version_id>/qdc",
    "exchange.project_qdpx": "GET /exchange/project.qdpx",
    "exchange.web_annotations": "GET /exchange/annotations.jsonld",
    "highlights.as_json": "GET /items/<item_id>/highlights",
    "history.as_json": "GET /history",
    "imports.as_json": "GET /imports",
    "imports.show_json": "GET /imports/<import_id>",
    "items.as_json": "GET /items/<item_id>",
    "library.as_csv": "GET /items",
    "library.as_json": "GET /items",
    "lists.skipped": "GET /lists/<list_id>/skipped",
    "network.gexf": "GET /network.gexf",
    "queue.as_json": "GET /requests",
    "recorded.as_json": "GET /captures/<capture_id>/recorded",
    "registry.names": "GET /registry",
    "registry_lists.out": "GET /registry.csv",
    "results.as_json": "GET /results",
    "results.differences_json": "GET /differences",
    "rounds.answers": "GET /rounds/<round_id>/answers",
    "rounds.finals": "GET /rounds/<round_id>/finals",
    "rounds.matrix": "GET /rounds/<round_id>/matrix/<variable>",
    "rounds.units": "GET /rounds/<round_id>/consistency",
    "spreadsheets.answers": "GET /rounds/<round_id>/answers",
    "spreadsheets.codebook": "GET /codebooks/<version_id>",
    "spreadsheets.finals": "GET /rounds/<round_id>/finals",
    "spreadsheets.items": "GET /items",
    "spreadsheets.matrix": "GET /rounds/<round_id>/matrix/<variable>",
    "spreadsheets.results": "GET /results",
}
_LOOKED_AT = "It is looked at, blurred where it has to be; GET …/warc has what was captured."
FILES_WITHOUT: Mapping[str, str] = {
    "captures.screenshot": _LOOKED_AT,
    "captures.thumbnail": _LOOKED_AT,
    "library.as_atom": "It is for feed readers; GET /searches says what is new.",
    "live.events": "It keeps open pages fresh; GET /history has the same events.",
}
_SIGNING_IN = "A program sends its token with each request; it signs nobody in."
_INSTANCE = "A token is for one project; this is about the whole installation."
WITHOUT: Mapping[str, str] = {
    "auth.do_sign_in": _SIGNING_IN,
    "auth.use_link": _SIGNING_IN,
    "auth.sign_out": _SIGNING_IN,
    "packages.replay": "It makes a link for a person's browser; POST /package gives the file.",
    "people.activate": _INSTANCE,
    "people.add": _INSTANCE,
    "people.me": "It sets a password; a token left in a file must not open the pages.",
    "people.new_link": _INSTANCE,
    "projects.create": _INSTANCE,
    "speech.choose": "It sets the language of the pages.",
}


def test_every_form_has_its_counterpart_or_a_reason(app: Flask, project: Project) -> None:
    forms = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in rule.methods and not rule.endpoint.startswith("api.")
    }
    assert forms - COUNTERPARTS.keys() - WITHOUT.keys() == set(), "these lack a counterpart"
    assert COUNTERPARTS.keys() & WITHOUT.keys() == set()
    assert (COUNTERPARTS.keys() | WITHOUT.keys()) - forms == set(), "these are no forms any more"


def test_every_file_has_its_counterpart_or_a_reason(app: Flask, project: Project) -> None:
    files = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in rule.methods
        and "." in rule.rule.rpartition("/")[2]
        and not rule.endpoint.startswith("api.")
    }
    assert files - FILES.keys() - FILES_WITHOUT.keys() == set(), "these lack a counterpart"
    assert (FILES.keys() | FILES_WITHOUT.keys()) - files == set(), "these are no files any more"


def test_every_counterpart_exists(app: Flask, project: Project) -> None:
    declared = {f"{one.method} {one.path.removeprefix('/projects/<slug>')}" for one in ENDPOINTS}
    held = [*COUNTERPARTS.values(), *FILES.values()]
    named = {one for words in held for one in words.split(", ")}
    assert named - declared == set()
