"""The official openai package against the server: sync, async, streaming, every format, translations, errors."""

import asyncio
import base64
import io
import subprocess
import sys
import tempfile
import time

import openai

from served import Server, long_recording, recording, run_all

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
FILE = recording(SOURCE)
FIRST_WORDS = "Jack is in Boston today."


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def transcribe(client, **options):
    with open(FILE, "rb") as file:
        return client.audio.transcriptions.create(file=file, **{"model": "whisper-1", **options})


def test_models(server, client):
    ids = [model.id for model in client.models.list()]
    assert "demo" in ids and "whisper-1" in ids, ids
    assert client.models.retrieve("demo").id == "demo"
    assert refused(openai.NotFoundError, lambda: client.models.retrieve("nope")).code == "model_not_found"


def test_json(server, client):
    result = transcribe(client)
    assert result.text.startswith(FIRST_WORDS), result.text
    assert transcribe(client, model="demo", language="en", temperature=0).text == result.text


def test_texts(server, client):
    assert transcribe(client, response_format="text").startswith(FIRST_WORDS)
    assert transcribe(client, response_format="srt").startswith("1\n00:00:00,")
    assert transcribe(client, response_format="vtt").startswith("WEBVTT")


def test_verbose_json(server, client):
    result = transcribe(client, response_format="verbose_json")
    assert result.language == "english" and 60 < float(result.duration) < 80
    assert len(result.segments) > 5 and result.words is None
    first = result.segments[0]
    assert first.id == 0 and first.start < first.end and first.tokens and first.avg_logprob <= 0
    result = transcribe(client, response_format="verbose_json", timestamp_granularities=["word"])
    assert result.words[0].word == "Jack" and result.words[0].end > result.words[0].start
    assert not result.segments
    result = transcribe(client, response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert result.words and result.segments


def test_logprobs(server, client):
    result = transcribe(client, include=["logprobs"])
    assert all(each.logprob <= 0 for each in result.logprobs) and len(result.logprobs) > len(result.text.split())
    assert b"".join(bytes(int(b) for b in each.bytes) for each in result.logprobs).decode().strip() == result.text


def test_stream(server, client):
    events = list(transcribe(client, stream=True))
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert events[-1].type == "transcript.text.done" and len(deltas) > 5
    assert "".join(deltas) == events[-1].text == transcribe(client).text


def test_chunking(server, client):
    assert transcribe(client, chunking_strategy="auto").text.startswith(FIRST_WORDS)
    vad = {"type": "server_vad", "threshold": 0.4, "silence_duration_ms": 300, "prefix_padding_ms": 200}
    assert transcribe(client, chunking_strategy=vad).text
    error = refused(openai.BadRequestError, lambda: transcribe(client, chunking_strategy={"type": "server_vad", "threshold": 7}))
    assert error.param == "chunking_strategy"


def test_translations(server, client):
    """The bundled model knows English alone: what is said in it is its own translation."""
    for format in ["json", "text", "srt", "verbose_json", "vtt"]:
        with open(FILE, "rb") as file:
            translated = client.audio.translations.create(file=file, model="whisper-1", response_format=format)
        said = transcribe(client, response_format=format)
        if format == "verbose_json":
            assert translated.task == "translate" and translated.text == said.text
        else:
            assert (translated if isinstance(said, str) else translated.text) == (said if isinstance(said, str) else said.text)


def test_speakers(server, client):
    diarized = transcribe(client, response_format="diarized_json")
    assert {each.speaker for each in diarized.segments} == {"SPEAKER_00", "SPEAKER_01"}
    assert all(each.type == "transcript.text.segment" and each.end > each.start for each in diarized.segments)
    events = list(transcribe(client, response_format="diarized_json", stream=True))
    assert [each.speaker for each in events[:-1]] == [each.speaker for each in diarized.segments]
    assert events[-1].type == "transcript.text.done" and events[-1].text == diarized.text
    with open(FILE, "rb") as file:
        voice = "data:audio/flac;base64," + base64.b64encode(file.read()).decode()
    known = transcribe(client, response_format="diarized_json", extra_body={
        "known_speaker_names[]": ["Ada"], "known_speaker_references[]": [voice]})
    assert known.segments


def test_errors(server, client):
    error = refused(openai.BadRequestError, lambda: transcribe(client, response_format="xml"))
    assert error.param == "response_format" and error.type == "invalid_request_error", error.body
    error = refused(openai.BadRequestError, lambda: transcribe(client, timestamp_granularities=["word"]))
    assert error.param == "timestamp_granularities"
    error = refused(openai.BadRequestError, lambda: transcribe(client, language="klingon"))
    assert error.param == "language"
    error = refused(openai.BadRequestError, lambda: transcribe(client, temperature=7))
    assert error.param == "temperature"
    error = refused(openai.NotFoundError, lambda: transcribe(client, model="nope"))
    assert error.code == "model_not_found" and error.param == "model"
    unreadable = io.BytesIO(b"this is no audio " * 100)
    unreadable.name = "words.mp3"
    error = refused(openai.BadRequestError, lambda: client.audio.transcriptions.create(file=unreadable, model="whisper-1"))
    assert error.code == "invalid_audio" and error.param == "file" and "words.mp3" in error.message, error.message
    assert "/" not in error.message
    error = refused(openai.BadRequestError, lambda: transcribe(client, stream=True, response_format="srt"))
    assert error.param == "stream"


def test_too_large(server, client):
    with Server(PROGRAM, SOURCE, "--max-upload-mb", "1") as small:
        other = openai.OpenAI(base_url=small.url + "/v1", api_key="none", max_retries=0)
        large = io.BytesIO(bytes(40_000_000))
        large.name = "large.wav"
        error = refused(openai.APIStatusError, lambda: other.audio.transcriptions.create(file=large, model="whisper-1"))
        assert error.status_code == 413, error


def test_busy(server, client):
    with tempfile.TemporaryDirectory() as folder, Server(PROGRAM, SOURCE, "--max-running", "1", "--queue-capacity", "1") as small:
        with open(long_recording(SOURCE, folder, times=5), "rb") as file:
            data = file.read()

        async def one(asynchronous):
            try:
                return await asynchronous.audio.transcriptions.create(file=("long.flac", data), model="whisper-1")
            except openai.RateLimitError as error:
                return error

        async def many():
            asynchronous = openai.AsyncOpenAI(base_url=small.url + "/v1", api_key="none", max_retries=0)
            return await asyncio.gather(*[one(asynchronous) for _ in range(8)])

        results = asyncio.run(many())
        refusals = [each for each in results if isinstance(each, openai.RateLimitError)]
        assert 1 <= len(refusals) < 8, results
        assert int(refusals[0].response.headers["retry-after"]) >= 1


def test_async(server, client):
    async def work():
        asynchronous = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none")
        with open(FILE, "rb") as file:
            data = file.read()
        results = await asyncio.gather(
            *[asynchronous.audio.transcriptions.create(file=("a.flac", data), model="whisper-1") for _ in range(4)])
        assert all(each.text == results[0].text for each in results) and results[0].text.startswith(FIRST_WORDS)
        stream = await asynchronous.audio.transcriptions.create(file=("a.flac", data), model="whisper-1", stream=True)
        assert [event async for event in stream][-1].text == results[0].text

    asyncio.run(work())


def test_realtime(server, client):
    speech = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", FILE, "-t", "8", "-ac", "1", "-ar", "24000", "-f", "s16le", "-"],
                            check=True, capture_output=True).stdout
    live = openai.OpenAI(base_url=server.url + "/v1", api_key="none", websocket_base_url=f"ws://127.0.0.1:{server.port}/v1")
    with live.realtime.connect(model="whisper-1", extra_query={"intent": "transcription"}) as connection:
        assert connection.recv().type == "session.created"
        connection.session.update(session={"type": "transcription", "audio": {"input": {
            "format": {"type": "audio/pcm", "rate": 24000}, "transcription": {"model": "whisper-1", "language": "en"},
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 400}}}})
        for at in range(0, len(speech), 9600):
            connection.input_audio_buffer.append(audio=base64.b64encode(speech[at:at + 9600]).decode())
        types = []
        for event in connection:
            types.append(event.type)
            if event.type == "conversation.item.input_audio_transcription.completed":
                assert "Boston" in event.transcript, event
                break
    for name in ("session.updated", "input_audio_buffer.speech_started", "input_audio_buffer.committed",
                 "conversation.item.input_audio_transcription.delta"):
        assert name in types, types


def test_gone_client_ends_its_work(server, client):
    before = server.get_json("/status")["performance"]["audio_seconds_total"]
    with tempfile.TemporaryDirectory() as folder, open(long_recording(SOURCE, folder), "rb") as file:
        slow = openai.OpenAI(base_url=server.url + "/v1", api_key="none", timeout=0.15, max_retries=0)
        refused(openai.APITimeoutError, lambda: slow.audio.transcriptions.create(file=file, model="whisper-1"))
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and ("gone=yes" not in server.read_log() or server.get_json("/status")["queue"]["running"] > 0):
        time.sleep(0.05)
    status = server.get_json("/status")
    assert "gone=yes" in server.read_log() and status["queue"]["running"] == 0, status["queue"]
    worked = status["performance"]["audio_seconds_total"] - before
    assert worked < 0.8 * 40 * 67, f"{worked} s of 45 minutes were transcribed for nobody"


with Server(PROGRAM, SOURCE) as shared:
    with openai.OpenAI(base_url=shared.url + "/v1", api_key="none", max_retries=0) as shared_client:
        passed = run_all(globals(), shared, shared_client)
sys.exit(0 if passed else 1)
