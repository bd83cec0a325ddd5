// Reports an exception to Aftershock, with .NET's own library alone.
//
//   APP_KEY=... dotnet run --project examples/csharp     (INGEST: the address, by default http://127.0.0.1:8080)
using System.Net.Http.Json;

var ingest = Environment.GetEnvironmentVariable("INGEST") ?? "http://127.0.0.1:8080";
var key = Environment.GetEnvironmentVariable("APP_KEY") ?? throw new InvalidOperationException("APP_KEY is not set");
using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
client.DefaultRequestHeaders.Add("X-App-Key", key);

try
{
    LoadCart(new Dictionary<string, int[]>());
}
catch (KeyNotFoundException exception)
{
    Console.WriteLine(await Report(exception));
}

static int LoadCart(Dictionary<string, int[]> cart) => cart["items"].Length;

// Sends one report until it is accepted. Status 200 means that it is on disk.
async Task<string> Report(Exception exception)
{
    var body = new
    {
        category = "error",
        platformId = 10,
        productVersion = "1.0.0",
        deviceId = "device-csharp",
        // Sent again with the same event id, the report counts once.
        eventId = Guid.NewGuid().ToString("N"),
        occurredAt = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
        expName = exception.GetType().FullName,
        expMessage = exception.Message,
        callStack = exception.ToString(),
    };
    for (var attempt = 0; attempt < 5; attempt++)
    {
        using var reply = await client.PostAsJsonAsync($"{ingest}/v1/reports", body);
        if ((int)reply.StatusCode is not (429 or 503))
        {
            reply.EnsureSuccessStatusCode();
            return await reply.Content.ReadAsStringAsync();
        }
        await Task.Delay(reply.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(1));
    }
    throw new TimeoutException("the report was not accepted");
}
