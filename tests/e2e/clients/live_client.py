"""Live captions and the Realtime protocol over WebSockets."""

import asyncio
import base64
import difflib
import json
import signal
import subprocess
import sys

import websockets

from served import Server, recording, run_all

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
SAID = "Jack is in Boston today. Tomorrow will be cloudy in Chicago, with seventy two degrees."


def assert_heard(text, said=SAID):
    """Where live text is committed depends on how the passes fall, and a cut can cost the bundled model a word."""
    likeness = difflib.SequenceMatcher(None, text.split(), said.split()).ratio()
    assert likeness >= 0.75, text


def sound(rate, seconds=8, codec="s16le"):
    return subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", recording(SOURCE), "-t", str(seconds), "-ac", "1",
                           "-ar", str(rate), "-f", codec, "-"], check=True, capture_output=True).stdout


async def captions(server, query, data, piece, end=True):
    async with websockets.connect(f"ws://127.0.0.1:{server.port}/ws/transcribe?{query}") as socket:
        messages = []

        async def listen():
            async for message in socket:
                messages.append(json.loads(message))

        listening = asyncio.create_task(listen())
        for at in range(0, len(data), piece):
            await socket.send(data[at:at + piece])
            await asyncio.sleep(0.005)
        if end:
            await socket.send(json.dumps({"type": "end"}))
            await asyncio.wait_for(listening, 60)
            return messages, socket.close_code
    return messages, None


def test_captions(server):
    for rate, codec, encoding in [(16000, "s16le", "pcm16"), (48000, "s16le", "pcm16"), (8000, "mulaw", "mulaw")]:
        messages, code = asyncio.run(captions(server, f"sample_rate={rate}&encoding={encoding}&word_timestamps=1&language=en",
                                              sound(rate, codec=codec), rate // 5))
        assert messages[0]["type"] == "ready" and messages[-1]["type"] == "done" and code == 1000, messages[-1]
        finals = [message for message in messages if message["type"] == "final"]
        assert [message for message in messages if message["type"] == "partial"]
        assert "".join(final["text"] for final in finals).strip() == messages[-1]["text"]
        if rate > 8000:
            assert_heard(messages[-1]["text"])
        assert finals[0]["segments"][0]["words"]
        assert 7.9 < messages[-1]["duration"] < 8.1


def test_captions_refuse_nonsense(server):
    def refused(query):
        try:
            asyncio.run(captions(server, query, b"", 1))
        except websockets.InvalidStatus as error:
            return error.response.status_code, json.loads(error.response.body)["error"]["param"]
        raise AssertionError("nothing was refused")

    assert refused("sample_rate=1") == (400, "sample_rate")
    assert refused("encoding=mp3") == (400, "encoding")
    assert refused("language=klingon") == (400, "language")
    assert refused("model=nope") == (404, "model")


def test_captions_end_with_their_client(server):
    asyncio.run(captions(server, "", sound(16000, 30), 64000, end=False))
    assert server.get_json("/status")["status"] in ("ready", "busy")


async def realtime(server, events, sound_data, piece, until):
    protocols = ["realtime", "openai-insecure-api-key.none"]
    async with websockets.connect(f"ws://127.0.0.1:{server.port}/v1/realtime?intent=transcription", subprotocols=protocols) as socket:
        assert socket.subprotocol == "realtime"
        seen = [json.loads(await socket.recv())]
        for event in events:
            await socket.send(json.dumps(event))
        for at in range(0, len(sound_data), piece):
            audio = base64.b64encode(sound_data[at:at + piece]).decode()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        if until == "commit":
            await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
        try:
            while True:
                seen.append(json.loads(await asyncio.wait_for(socket.recv(), 30)))
                if until == "commit" and seen[-1]["type"].endswith("transcription.completed"):
                    return seen
                if callable(until) and until(seen):
                    return seen
        except asyncio.TimeoutError:
            raise AssertionError([event["type"] for event in seen])


def test_realtime_with_commits(server):
    update = {"type": "session.update", "session": {"type": "transcription", "audio": {"input": {
        "format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": None,
        "transcription": {"model": "gpt-4o-transcribe", "language": "en"}}}}}
    seen = asyncio.run(realtime(server, [update], sound(24000), 24000, "commit"))
    types = [event["type"] for event in seen]
    assert types[:2] == ["session.created", "session.updated"], types
    assert seen[1]["session"]["audio"]["input"]["turn_detection"] is None
    assert "input_audio_buffer.committed" in types
    deltas = [event["delta"] for event in seen if event["type"].endswith("transcription.delta")]
    completed = seen[-1]
    assert "".join(deltas).strip() == completed["transcript"]
    assert_heard(completed["transcript"])


def test_realtime_with_server_vad(server):
    old = {"type": "transcription_session.update", "session": {
        "input_audio_format": "pcm16", "input_audio_transcription": {"model": "whisper-1", "language": "en"},
        "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 300, "prefix_padding_ms": 300},
        "include": ["item.input_audio_transcription.logprobs"]}}
    data = sound(24000) + bytes(48000)
    seen = asyncio.run(realtime(server, [old], data, 9600, lambda events: sum(
        event["type"].endswith("transcription.completed") for event in events) >= 2))
    types = [event["type"] for event in seen]
    assert "transcription_session.updated" in types
    order = [types.index(name) for name in ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
                                            "input_audio_buffer.committed"]]
    assert order == sorted(order)
    completed = [event for event in seen if event["type"].endswith("transcription.completed")]
    assert_heard(" ".join(each["transcript"] for each in completed))
    assert "".join(each["token"] for each in completed[0]["logprobs"]).strip() == completed[0]["transcript"]
    assert completed[0]["item_id"] != completed[1]["item_id"]


def test_realtime_with_semantic_vad(server):
    """Two sentences with a short silence between them: two items for the eager, one for the patient."""
    data = sound(24000) + bytes(48000 * 3)
    for eagerness, items in (("high", 2), ("low", 1)):
        update = {"type": "session.update", "session": {"type": "transcription", "audio": {"input": {
            "transcription": {"model": "whisper-1", "language": "en"}, "turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}}}}
        heard = lambda events: [each for each in events if each["type"].endswith("transcription.completed")]
        seen = asyncio.run(realtime(server, [update], data, 9600, lambda events: len(heard(events)) == items))
        assert seen[1]["session"]["audio"]["input"]["turn_detection"] == {"type": "semantic_vad", "eagerness": eagerness}
        assert_heard(" ".join(each["transcript"] for each in heard(seen)))


def test_realtime_answers_mistakes(server):
    events = [{"type": "nonsense", "event_id": "mine"}, {"type": "input_audio_buffer.append", "audio": "§"},
              {"type": "input_audio_buffer.commit"}, {"type": "session.update", "session": {"type": "realtime"}},
              {"type": "input_audio_buffer.clear"}]
    seen = asyncio.run(realtime(server, events, b"", 1, lambda events: events[-1]["type"] == "input_audio_buffer.cleared"))
    errors = [event["error"] for event in seen if event["type"] == "error"]
    assert len(errors) == 4 and errors[0]["event_id"] == "mine", errors


async def cut_short(server, path, say, enough, heard):
    """Speaks, stops the server once `enough` was heard, and keeps speaking until it says goodbye."""
    async with websockets.connect(f"ws://127.0.0.1:{server.port}{path}") as socket:
        stopped = False
        for piece in say:
            await socket.send(piece)
            try:
                while True:
                    heard.append(json.loads(await asyncio.wait_for(socket.recv(), 0.01)))
            except asyncio.TimeoutError:
                pass
            except websockets.ConnectionClosed:
                break
            if not stopped and enough(heard):
                server.process.send_signal(signal.SIGTERM)
                stopped = True
        async for message in socket:
            heard.append(json.loads(message))
    return socket.close_code, socket.close_reason


def test_captions_are_told_to_the_last_word_when_the_server_stops(shared):
    data, heard = sound(16000), []
    with Server(PROGRAM, SOURCE) as server:
        spoken = [data[at:at + 16000] for at in range(0, len(data), 16000)] * 40  # half a second each
        code = asyncio.run(cut_short(server, "/ws/transcribe?language=en", spoken,
                                     lambda seen: any(each["type"] == "partial" for each in seen), heard))
        assert server.process.wait(timeout=60) == 0
    assert code == (1001, "the server is stopping"), code
    finals = [each["text"] for each in heard if each["type"] == "final"]
    assert heard[-1]["type"] == "done" and finals, heard[-3:]
    assert "".join(finals).strip() == heard[-1]["text"] != "", heard[-1]


def test_what_was_said_is_committed_when_the_server_stops(shared):
    data, heard = sound(24000), []
    with Server(PROGRAM, SOURCE) as server:
        spoken = [json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(data[at:at + 24000]).decode()})
                  for at in range(0, len(data), 24000)] * 40
        code = asyncio.run(cut_short(server, "/v1/realtime?intent=transcription", spoken,
                                     lambda seen: seen[-1]["type"] == "input_audio_buffer.speech_started" if seen else False, heard))
        assert server.process.wait(timeout=60) == 0
    assert code == (1001, "the server is stopping"), code
    completed = [each for each in heard if each["type"].endswith("transcription.completed")]
    started = [each["item_id"] for each in heard if each["type"] == "input_audio_buffer.speech_started"]
    assert [each["item_id"] for each in completed] == started, [each["type"] for each in heard]


with Server(PROGRAM, SOURCE) as shared:
    passed = run_all(globals(), shared)
sys.exit(0 if passed else 1)
