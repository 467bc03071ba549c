"""What must be refused, and the tests that attack it: none of them may vanish unseen.

Each refusal names at least one test function, in the floor where it is decided or over real
sockets, or a frozen vector (`tests/vectors/v1`), which tests/sealing/test_frozen_vectors.py runs.
"""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

REFUSALS = {
    "an echo of another test, phrase or route": (
        "core/exchange/test_channels.py::"
        "test_echo_of_another_test_or_phrase_or_a_second_one_says_nothing",
        "core/exchange/test_channels.py::"
        "test_a_route_has_one_test_at_a_time_and_serials_count_over_all_routes",
    ),
    "more tests of a peer than its bound, and queries about what it may not ask for": (
        "station/test_channels.py::test_flood_of_tests_is_recorded_and_answered_up_to_its_bound",
        "core/exchange/test_acknowledging.py::"
        "test_query_about_what_is_read_or_not_theirs_or_not_here_says_nothing",
    ),
    "a file beside a statement that is not, to the byte, what was signed": (
        "sealing/test_attachment.py::test_stream_put_together_anew_is_refused",
        "sealing/test_attachment.py::test_stream_cut_short_or_continued_is_refused",
        "journeys/test_attachments.py::"
        "test_file_that_is_not_what_was_signed_is_refused_and_nothing_of_it_stays",
    ),
    "a file whose name leads elsewhere or hides what it is, or of a type or size not allowed": (
        "core/messages/test_attachments.py::"
        "test_name_that_leads_elsewhere_or_hides_something_is_refused",
        "core/messages/test_attachments.py::test_type_that_is_not_on_the_list_is_refused",
        "core/messages/test_attachments.py::test_empty_or_larger_file_is_refused",
    ),
    "a piece of a file that nobody asked for": (
        "journeys/test_attachments.py::test_what_was_never_asked_for_is_passed_over",
    ),
    "a direct link to another line, realm or listener, or one opened before": (
        "transport/test_proving.py::test_auth_replayed_to_another_challenge_opens_nothing",
        "transport/test_proving.py::test_auth_reflected_to_whoever_made_it_opens_nothing",
        "transport/test_proving.py::test_auth_of_another_line_or_realm_opens_nothing",
        "transport/test_proving.py::test_welcome_that_is_not_signed_for_this_opening_blocks",
    ),
    "a middleman between two stations, whatever its certificate": (
        "transport/test_proving.py::"
        "test_middleman_with_a_trusted_certificate_is_found_by_both_ends",
        "transport/test_vouched.py::"
        "test_middleman_whom_the_authority_vouches_for_is_found_by_both_ends",
        "transport/test_proving.py::test_swapped_certificate_of_the_dialer_does_not_verify",
    ),
    "a console that is revoked, replaced, or not the peer's, opening a link": (
        "station/test_calling_in.py::test_revoked_console_brings_no_link_up",
        "station/test_calling_in.py::test_replaced_console_is_refused_and_the_one_after_it_let_in",
        "station/test_calling_in.py::test_only_a_console_of_the_peer_may_open_a_link",
        "station/test_calling_in.py::"
        "test_console_that_brings_another_ones_certificate_or_junk_is_refused",
        "transport/test_proving.py::"
        "test_listener_with_the_right_certificate_and_another_console_key_blocks",
    ),
    "a certificate that the authority of a route does not vouch for": (
        "transport/test_vouched.py::test_listener_whose_certificate_does_not_fit_blocks",
        "transport/test_vouched.py::test_dialer_under_another_name_gets_403",
        "transport/test_vouched.py::"
        "test_dialer_with_an_expired_certificate_or_of_another_authority_is_refused",
    ),
    "a charter that is signed unseen, or other than it was shown": (
        "desk/test_guided.py::test_nothing_is_signed_that_was_not_shown",
        "desk/test_guided.py::test_charter_other_than_the_one_that_was_shown_is_not_signed",
        "tui/test_guided.py::test_charter_must_be_seen_to_its_end_before_it_can_be_signed",
    ),
    "a card on the setup's screens whose words differ, or were not all heard": (
        "desk/test_guided.py::test_words_that_differ_twice_keep_no_card",
        "desk/test_guided.py::test_card_is_settled_only_after_the_words",
    ),
    "a newcomer of another root, or one whose words somebody on the line never compared": (
        "station/test_members.py::test_newcomer_of_another_root_than_the_compared_one_is_refused",
        "station/test_members.py::test_newcomer_whose_card_one_member_never_compared_is_refused",
    ),
    "a notice that ends a line and that not all who stay signed": (
        "station/test_parting.py::test_charter_that_not_all_who_stay_signed_ends_nothing",
        "station/test_parting.py::"
        "test_charter_that_names_the_station_or_follows_nothing_does_not_end_its_line",
    ),
    "a station that left and speaks on the line that follows": (
        "station/test_parting.py::test_statement_of_who_left_is_refused_on_the_line_that_follows",
        "station/test_parting.py::"
        "test_cell_of_who_left_opens_on_the_old_line_and_is_refused_on_the_new_one",
    ),
    "a member of three that speaks as another": (
        "journeys/test_group_attacks.py::test_member_cannot_speak_as_another_to_a_third",
    ),
    "an opener that would read what two others say": (
        "station/test_gathering.py::test_half_for_another_joiner_opens_for_that_joiner_only",
        "station/test_gathering.py::"
        "test_opener_that_slips_its_own_key_in_for_another_joiner_is_refused",
    ),
    "a member whose words nobody here compared": (
        "station/test_gathering.py::"
        "test_member_whose_card_was_not_compared_or_has_another_root_is_refused",
    ),
    "a member that answers one opening in two ways": (
        "station/test_gathering.py::test_station_that_answered_twice_with_other_content_is_refused",
        "station/test_gathering.py::"
        "test_stations_that_hold_two_answers_of_one_show_different_check_words",
    ),
    "answers to two openings on one line": (
        "station/test_gathering.py::"
        "test_answer_to_another_opening_is_refused_at_the_opener_and_at_joiners",
        "sealing/test_card.py::"
        "test_charter_that_a_member_did_not_sign_or_of_two_lines_is_not_gathered",
    ),
    "a receipt of another member's": (
        "journeys/test_group_attacks.py::test_member_cannot_forge_a_receipt_of_another",
    ),
    "two histories for two witnesses": (
        "journeys/test_group_attacks.py::"
        "test_two_histories_of_one_size_become_evidence_at_both_witnesses",
        "journeys/test_group_attacks.py::test_two_histories_of_two_sizes_cannot_be_joined",
    ),
    "a statement that leaves a member out": (
        "journeys/test_group_attacks.py::test_statement_that_leaves_a_member_out_is_refused",
        "journeys/test_groups.py::test_statement_that_leaves_a_member_out_is_not_sent",
    ),
    "a charter that follows a line it may not follow": (
        "station/test_amending.py::test_charter_that_names_a_line_that_is_not_here_is_refused",
        "station/test_members.py::test_station_that_was_on_the_line_and_lost_it_is_no_newcomer",
        "station/test_members.py::test_newcomer_that_is_not_shown_the_line_before_is_refused",
        "station/test_amending.py::test_second_successor_is_refused_until_the_first_is_given_up",
        "station/test_amending.py::test_successor_older_than_its_predecessor_is_refused",
        "station/test_amending.py::test_charter_of_another_realm_does_not_follow",
        "station/test_changing.py::test_frozen_line_is_not_left_by_a_new_charter",
    ),
    "an end of a line that was cut off, or a beginning that names another": (
        "review/test_following.py::test_end_that_was_cut_off_is_a_failure",
        "review/test_following.py::test_beginning_that_names_another_end_is_a_failure",
        "review/test_following.py::test_second_closing_and_a_statement_after_the_first_are_failures",
    ),
    "replay of a cell": (
        "journeys/test_attacks.py::test_cell_replayed_exactly_has_no_effect",
        "journeys/test_attacks.py::test_own_cells_sent_back_are_not_taken",
        "station/test_pair.py::test_packets_in_any_order_are_taken_once",
        "station/test_pair_machine.py::test_nothing_is_lost_and_no_destroyed_key_opens",
    ),
    "replay of a statement under another number": (
        "journeys/test_attacks.py::test_statement_replayed_under_a_new_number_is_quarantined",
        "journeys/test_attacks.py::test_order_of_another_statement_is_quarantined",
    ),
    "replay across lines": (
        "sealing/test_cell.py::test_cell_of_another_line_is_refused",
        "sealing/test_packet.py::test_packet_of_another_line_is_refused",
        "sealing/test_statements.py::test_statement_of_another_line_is_refused",
        "sealing/test_order.py::test_order_of_another_line_is_refused",
        "station/test_signed_group.py::test_nothing_unverified_is_shown_as_verified",
        "station/test_pair_machine.py::test_nothing_is_lost_and_no_destroyed_key_opens",
    ),
    "flips in the key id": (
        "sealing/test_cell.py::test_cell_with_a_flipped_key_id_says_unknown_key",
        "sealing/test_cell.py::test_cell_key_id_changed_to_another_key_of_ours_is_refused",
        "vectors/v1/cell/unknown-key.json",
    ),
    "flips in the ciphertext": (
        "sealing/test_cell.py::test_cell_with_ciphertext_bits_flipped_is_refused",
        "sealing/test_library_vectors.py::test_cell_from_the_published_encapsulation_opens",
        "vectors/v1/cell/ciphertext-altered.json",
        "vectors/v1/cell/kem-altered.json",
        "vectors/v1/cell/tag-altered.json",
        "station/test_pair_machine.py::test_nothing_is_lost_and_no_destroyed_key_opens",
    ),
    "flips in the header": (
        "sealing/test_cell.py::test_cell_with_any_header_bit_flipped_is_refused",
        "sealing/test_cell.py::test_cell_with_another_day_in_its_header_is_refused",
        "vectors/v1/cell/day-altered.json",
    ),
    "truncation": (
        "sealing/test_cell.py::test_cell_truncated_is_refused",
        "sealing/test_cell.py::test_cell_with_dishonest_padding_is_refused",
        "vectors/v1/cell/truncated.json",
        "vectors/v1/statement/truncated.json",
    ),
    "unknown suite": (
        "sealing/test_cell.py::test_cell_of_an_unknown_suite_is_refused",
        "vectors/v1/cell/suite-2.json",
        "vectors/v1/charter/unknown-suite.json",
    ),
    "impersonation of an officer": (
        "sealing/test_statements.py::test_statement_under_the_id_of_another_certificate_is_refused",
        "sealing/test_statements.py::test_statement_by_a_stranger_is_refused_and_told_apart",
        "journeys/test_attacks.py::test_statement_by_a_key_that_claims_a_real_certificate_is_quarantined",
        "vectors/v1/statement/impostor.json",
    ),
    "impersonation of a station": (
        "sealing/test_packet.py::test_packet_from_another_member_than_its_sealer_is_refused",
        "sealing/test_records.py::test_certificate_by_an_impostor_with_the_same_station_name_is_refused",
        "journeys/test_attacks.py::test_statement_as_if_from_the_victim_is_quarantined",
        "journeys/test_attacks.py::test_head_by_another_key_is_refused",
        "vectors/v1/statement/by-the-peer.json",
    ),
    "re-sealing to a third station": (
        "sealing/test_packet.py::test_packet_resealed_to_a_third_station_is_refused",
        "vectors/v1/packet/resealed.json",
        "vectors/v1/packet/to-another.json",
        "station/test_pair.py::test_packet_to_a_key_that_another_peer_has_is_refused",
        "journeys/test_group_attacks.py::test_cell_for_one_member_is_no_use_at_another",
    ),
    "a transport key signing a statement": (
        "sealing/test_statements.py::test_statement_signed_by_a_working_key_is_refused",
        "journeys/test_attacks.py::test_statement_signed_by_the_console_key_is_quarantined",
        "vectors/v1/statement/by-a-console.json",
        "vectors/v1/authorisation/by-a-console.json",
    ),
    "a statement key signing a packet or an order": (
        "sealing/test_packet.py::test_packet_signed_by_another_key_than_the_console_is_refused",
        "sealing/test_order.py::test_order_signed_by_another_key_is_refused",
        "vectors/v1/packet/by-an-officer.json",
        "vectors/v1/order/by-an-officer.json",
    ),
    "type confusion between payload types": (
        "sealing/test_dsse.py::test_envelope_of_another_type_is_refused",
        "sealing/test_statements.py::test_statement_signed_under_another_payload_type_is_refused",
        "sealing/test_authorisation.py::test_authorisation_under_another_payload_type_is_refused",
        "sealing/test_packet.py::test_packet_signature_over_the_bare_bytes_is_refused",
        "vectors/v1/statement/kind-confused.json",
    ),
    "one officer where two are needed": (
        "sealing/test_statements.py::test_statement_with_one_officer_where_two_are_needed_is_refused",
        "sealing/test_authorisation.py::test_authorisation_by_one_officer_is_refused",
        "vectors/v1/statement/one-where-two.json",
        "station/test_releasing.py::test_peer_refuses_one_officer_lowered_need_replay_and_other_bytes",
        "station/test_releasing.py::test_release_of_another_station_or_a_third_signature_is_not_taken",
        "station/test_forks.py::test_one_officer_resolves_nothing",
    ),
    "the same person twice": (
        "sealing/test_statements.py::test_statement_signed_by_the_same_person_twice_is_refused",
        "sealing/test_authorisation.py::test_authorisation_by_one_person_with_two_certificates_is_refused",
        "vectors/v1/statement/person-twice.json",
        "station/test_releasing.py::test_same_person_twice_is_refused_by_desk_name_and_key",
    ),
    "lowered need": (
        "sealing/test_statements.py::"
        "test_statement_with_lowered_need_under_a_two_person_policy_is_refused",
        "sealing/test_records.py::test_charter_policy_minimum_is_raised_by_need_and_never_lowered",
        "vectors/v1/statement/need-lowered.json",
        "station/test_releasing.py::test_peer_refuses_one_officer_lowered_need_replay_and_other_bytes",
    ),
    "duplicate JSON keys": (
        "sealing/test_dsse.py::test_envelope_with_duplicate_json_keys_is_refused",
        "sealing/test_statements.py::test_statement_with_duplicate_json_keys_is_refused",
        "sealing/test_packet.py::test_packet_with_duplicate_json_keys_is_refused",
        "vectors/v1/statement/duplicate-key.json",
    ),
    "halves of two hybrid signatures": (
        "sealing/test_statements.py::test_statement_with_halves_of_two_signatures_is_refused",
        "sealing/test_statements.py::test_statement_with_halves_by_two_officers_is_refused",
        "journeys/test_attacks.py::"
        "test_statement_with_one_half_of_a_hybrid_signature_is_quarantined",
        "vectors/v1/statement/halves-of-two.json",
        "station/test_signed_group.py::test_nothing_unverified_is_shown_as_verified",
    ),
    "a destroyed turn key": (
        "sealing/test_cell.py::test_cell_to_a_forgotten_key_says_unknown_key",
        "station/test_pair.py::test_a_destroyed_turn_key_opens_nothing",
        "station/test_pair.py::test_seized_key_files_after_72_hours_open_no_recorded_cell",
        "station/test_pair_machine.py::test_nothing_is_lost_and_no_destroyed_key_opens",
        "station/test_pair.py::test_a_turn_key_is_gone_when_its_time_is_over",
        "journeys/test_turn_keys.py::test_statement_to_a_key_that_is_gone_is_sealed_anew_at_once",
    ),
    "an older announcement": (
        "station/test_pair.py::test_announcement_that_is_older_is_ignored",
        "station/test_pair.py::test_hello_replayed_after_a_restart_brings_no_old_announcement_back",
        "station/test_pair.py::test_answer_or_end_replayed_proves_nothing",
        "sealing/test_their_keys.py::test_announcements_of_the_same_or_an_older_number_are_ignored",
    ),
    "a statement to the recovery key": (
        "station/test_pair.py::test_recovery_key_opens_no_statement",
        "station/test_pair.py::test_statement_is_never_sealed_to_the_recovery_key",
    ),
    "a console certificate that does not fit": (
        "station/test_consoles.py::test_question_with_a_certificate_that_does_not_fit_is_refused",
        "station/test_consoles.py::test_question_with_somebody_else_s_certificate_is_refused",
        "station/test_consoles.py::test_question_with_an_altered_certificate_is_refused",
        "station/test_consoles.py::"
        "test_console_that_was_not_renewed_is_not_read_and_both_consoles_say_so",
    ),
    "a console that is not in office": (
        "station/test_spares.py::test_spare_that_has_not_taken_over_says_nothing_that_is_taken",
        "station/test_spares.py::"
        "test_first_console_that_comes_back_is_told_and_nothing_of_it_is_taken",
        "station/test_spares.py::test_of_two_spares_the_one_that_was_admitted_last_can_take_over",
    ),
    "a take-over that does not count": (
        "station/test_spares.py::test_forged_take_over_is_refused",
        "station/test_spares.py::test_take_over_by_one_officer_is_refused",
        "station/test_spares.py::"
        "test_take_over_that_a_revoked_officer_signed_is_refused_by_the_peer",
        "station/test_spares.py::"
        "test_replayed_take_over_changes_nothing_and_an_older_one_is_refused",
    ),
    "a wrong line secret": (
        "sealing/test_cell.py::test_cell_under_a_wrong_line_secret_is_refused",
        "sealing/test_cell.py::test_cell_under_a_secret_of_the_past_or_too_far_ahead_is_refused",
        "station/test_pair.py::test_cell_that_does_not_verify_moves_no_secret",
        "station/test_pair.py::test_cell_of_a_day_too_far_ahead_is_refused",
        "vectors/v1/cell/wrong-secret.json",
        "station/test_pair.py::test_cell_under_another_line_secret_is_refused",
        "station/test_pair_machine.py::test_nothing_is_lost_and_no_destroyed_key_opens",
    ),
    "a LIVE statement under EXERCISE keys": (
        "sealing/test_statements.py::"
        "test_statement_of_the_live_realm_on_an_exercise_line_is_refused",
        "journeys/test_attacks.py::"
        "test_statement_relabelled_live_on_an_exercise_line_is_quarantined",
        "vectors/v1/statement/live.json",
        "vectors/v1/certificate/live-by-exercise-root.json",
    ),
    "an EXERCISE statement under LIVE keys": (
        "sealing/test_statements.py::test_exercise_statement_on_a_live_line_is_refused",
        "sealing/test_records.py::test_charter_of_another_realm_than_its_roots_is_refused",
    ),
    "a public key of small order": (
        "sealing/test_keys.py::test_small_order_key_with_universal_signature_is_refused",
        "sealing/test_keys.py::test_small_order_key_at_certification_is_refused",
        "sealing/test_ed25519_edges.py::test_verifier_accepts_nothing_that_libsodium_refuses",
        "sealing/test_ed25519_edges.py::test_mixed_order_key_verifies_and_is_never_certified",
        "sealing/test_library_vectors.py::test_sealing_key_with_a_point_of_small_order_is_refused",
        "vectors/v1/station-root/small-order-key.json",
        "vectors/v1/certificate/mixed-order-key.json",
    ),
    "oversized input": (
        "sealing/test_dsse.py::test_envelope_over_its_bound_is_refused",
        "sealing/test_packet.py::test_packet_over_its_bound_is_refused_and_never_written",
        "sealing/test_cell.py::test_cell_with_trailing_bytes_or_oversized_is_refused",
        "vectors/v1/cell/over-bound.json",
    ),
    "deeply nested input": (
        "sealing/test_dsse.py::test_envelope_nested_deeply_is_refused",
        "sealing/test_packet.py::test_packet_nested_deeply_is_refused",
        "core/test_canonical.py::test_very_deep_input_is_refused_and_never_a_crash",
        "vectors/v1/statement/deep.json",
    ),
    "a crafted packet that stops the queue": (
        "sealing/test_packet.py::test_crafted_item_in_a_packet_does_not_stop_the_others",
        "journeys/test_attacks.py::test_bad_items_among_good_ones_spoil_only_themselves",
        "journeys/test_attacks.py::test_junk_cells_are_counted_and_told_in_one_event",
        "vectors/v1/packet/items-set-aside.json",
    ),
    "a rolled-back revocation list": (
        "station/test_revoking.py::test_rolled_back_revocation_list_is_refused_with_an_alarm",
        "station/test_revoking.py::test_other_list_of_the_same_length_is_refused",
        "sealing/test_revocation.py::"
        "test_chain_with_a_gap_a_fork_or_another_predecessor_is_refused",
        "station/test_revoking.py::test_station_that_was_put_back_is_given_its_own_revocations_again",
    ),
    "a revoked signer": (
        "station/test_revoking.py::"
        "test_statement_of_a_revoked_officer_is_recorded_and_receipted_as_unverified",
        "sealing/test_revocation.py::"
        "test_revoked_signer_is_unverified_from_since_on_and_good_before",
        "station/test_signed_group.py::test_nothing_unverified_is_shown_as_verified",
    ),
    "a revoked console or ledger key": (
        "station/test_revoking.py::test_packets_of_a_revoked_console_are_refused",
        "station/test_revoking.py::test_heads_by_a_revoked_ledger_key_are_not_countersigned",
        "station/test_pair_machine.py::test_nothing_is_lost_and_no_destroyed_key_opens",
    ),
    "two statements under one number": (
        "journeys/test_group_attacks.py::"
        "test_two_statements_under_one_number_are_a_fork_for_whoever_sees_both",
        "station/test_forks.py::test_frozen_line_says_so_shows_the_evidence_and_mutes_no_emergency",
    ),
    "a revocation by another station's root": (
        "sealing/test_revocation.py::test_revocation_by_another_stations_root_is_refused",
    ),
    "a revocation replayed across realms": (
        "sealing/test_revocation.py::test_revocation_replayed_across_realms_is_refused",
    ),
    "the same person twice on a suspension": (
        "sealing/test_revocation.py::test_same_person_twice_on_a_suspension_is_refused",
        "station/test_revoking.py::test_same_person_twice_does_not_suspend",
    ),
    "a successor that was not committed": (
        "sealing/test_revocation.py::test_successor_that_was_not_committed_is_refused",
        "station/test_rerooting.py::test_successor_that_was_not_committed_is_refused",
    ),
    "an act at a locked desk": (
        "desk/test_lock.py::test_locked_desk_commits_nothing_while_the_line_works_and_drafts_stay",
        "desk/test_lock.py::test_lock_that_falls_while_the_second_key_is_opened_stops_the_release",
        "tui/test_locking.py::test_half_sent_statement_is_neither_sent_nor_lost",
        "tui/test_locking.py::test_lock_falls_under_the_keys_that_come_right_behind_it",
    ),
    "a LIVE desk that never locks": (
        "host/test_config.py::test_lock_that_never_falls_is_for_exercises_only",
    ),
    "a LIVE root's passphrase in a keyring": (
        "host/test_keyring.py::"
        "test_root_and_successor_of_a_live_station_are_never_kept_nor_looked_for",
    ),
    "a LIVE passphrase in a keyring that does not seal": (
        "host/test_keyring.py::test_live_station_takes_a_backend_that_seals_only",
        "host/test_keyring.py::test_chain_is_as_good_as_its_worst_link",
    ),
}


@cache
def functions(path: Path) -> frozenset[str]:
    """Names of the test functions of a module that nothing marks to be left out."""
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any(
            word in ast.unparse(mark)
            for mark in node.decorator_list
            for word in ("mark.skip", "mark.xfail", "mark.soak")
        )
    )


def is_there(node: str) -> bool:
    place, found, name = node.partition("::")
    path = TESTS / place
    if not path.is_file():
        return False
    if found:
        return name in functions(path)
    return json.loads(path.read_text("utf-8"))["expected"]["verdict"] not in ("VERIFIED", "")


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusal_has_its_tests(refusal: str) -> None:
    assert REFUSALS[refusal]
    assert [node for node in REFUSALS[refusal] if not is_there(node)] == []


def test_table_would_notice_a_test_that_is_gone() -> None:
    assert not is_there("sealing/test_cell.py::test_cell_that_nobody_wrote_is_refused")
    assert not is_there("sealing/test_gone.py::test_cell_truncated_is_refused")
    assert not is_there("vectors/v1/cell/gone.json")
    assert is_there("sealing/test_cell.py::test_cell_truncated_is_refused")
